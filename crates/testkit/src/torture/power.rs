//! A disk whose power can be cut: ext4 in a file, mounted through a loop device.
//!
//! The cut is the ioctl `0x8004587d` (`_IOR('X', 125, u32)`, shutdown) with 2 (no flush of the log): nothing more reaches the image, and
//! what was not synced is gone. A flush that is under way while it happens may still report success (ext4 drops the error of a block it
//! can no longer write), which no machine without power can do: so whoever measures counts an answer only if it came before the cut
//! began, and the cut must begin and happen at once. Needs root, loop devices and ext4; where those are missing, [`Disk::create`] says which. Not covered:
//! torn sectors, reordering below the file system, a device that loses its own cache.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    time::Duration,
};

use anyhow::{Context as _, Result, bail};
use tokio::time::sleep;

const IMAGE_BYTES: u64 = 512 * 1024 * 1024;
/// The device is busy for a moment after its processes are gone.
const UMOUNT_TRIES: u32 = 200;
/// The ioctl is unsafe to call, and no own crate may: perl is on every Debian and has it built in. It waits for a line, so that nothing
/// has to be started at the moment itself.
const CUT: &str = r#"my $how = pack('I', 2); open(my $file, '<', $ARGV[0]) or die "open: $!"; $| = 1; print "armed\n"; <STDIN>; ioctl($file, 0x8004587d, $how) or die "ioctl: $!";"#;

/// A mounted disk. Unmounted when dropped.
pub(super) struct Disk {
    image: PathBuf,
    mount: PathBuf,
    mounted: bool,
    cutter: Option<Child>,
}

// === impl Disk ===

impl Disk {
    /// Makes and mounts one under `directory`, which lies on a disk that keeps its power.
    ///
    /// # Errors
    /// What is missing on this machine.
    pub(super) fn create(directory: &Path) -> Result<Self> {
        let mut disk = Self {
            image: directory.join("disk.ext4"),
            mount: directory.join("disk"),
            mounted: false,
            cutter: None,
        };
        let image = std::fs::File::create(&disk.image)?;
        image.set_len(IMAGE_BYTES)?;
        std::fs::create_dir(&disk.mount)?;
        run(Command::new("mkfs.ext4").args(["-q", "-F"]).arg(&disk.image))?;
        disk.mount()?;
        // The file that the cut is made through.
        std::fs::write(disk.switch(), "")?;
        Ok(disk)
    }

    /// Where it is mounted.
    pub(super) fn path(&self) -> &Path {
        &self.mount
    }

    /// Makes ready for a cut that happens at once.
    ///
    /// # Errors
    /// When the helper cannot be started.
    pub(super) fn arm(&mut self) -> Result<()> {
        let mut cutter = Command::new("perl")
            .args(["-e", CUT])
            .arg(self.switch())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("`perl` cannot be run")?;
        let output = cutter.stdout.take().context("the helper has an output")?;
        let mut armed = String::new();
        BufReader::new(output).read_line(&mut armed)?;
        self.cutter = Some(cutter);
        if armed != "armed\n" {
            bail!("the helper is not ready for the cut");
        }
        Ok(())
    }

    /// Cuts the power: from here on every flush fails.
    ///
    /// # Errors
    /// When the ioctl is refused, or [`Disk::arm`] was not called before.
    pub(super) fn cut(&mut self) -> Result<()> {
        let mut cutter = self.cutter.take().context("the disk was not armed")?;
        let mut trigger = cutter.stdin.take().context("the helper has an input")?;
        trigger.write_all(b"\n")?;
        let ended = cutter.wait()?;
        if !ended.success() {
            bail!("the power could not be cut: {ended}");
        }
        Ok(())
    }

    /// Gives it power again: unmounts, and mounts what reached the image. Nobody may have a file open.
    ///
    /// # Errors
    /// When it stays busy, or the file system is beyond repair.
    pub(super) async fn restore(&mut self) -> Result<()> {
        let mut tries = 0;
        while let Err(error) = run(Command::new("umount").arg(&self.mount)) {
            tries += 1;
            if tries == UMOUNT_TRIES {
                return Err(error);
            }
            sleep(Duration::from_millis(10)).await;
        }
        self.mounted = false;
        self.mount()
    }

    fn mount(&mut self) -> Result<()> {
        run(Command::new("mount")
            .args(["-o", "loop"])
            .arg(&self.image)
            .arg(&self.mount))?;
        self.mounted = true;
        Ok(())
    }

    fn switch(&self) -> PathBuf {
        self.mount.join("switch")
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        if let Some(cutter) = &mut self.cutter {
            // Both fail only when it has ended already.
            let _ = cutter.kill();
            let _ = cutter.wait();
        }
        if self.mounted {
            // Lazily: the last user may be about to go. A loop device is freed with its mount.
            let _ = run(Command::new("umount").arg("-l").arg(&self.mount));
        }
    }
}

fn run(command: &mut Command) -> Result<Output> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command
        .output()
        .with_context(|| format!("`{program}` cannot be run"))?;
    if !output.status.success() {
        bail!(
            "`{program}` failed: {}",
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    Ok(output)
}
