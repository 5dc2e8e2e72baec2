//! Names that survive a power cut: a file's name is on disk when its directory is synced, whatever was done to the file itself.

use std::fs::File;
use std::io;
use std::path::Path;

/// Has the names in a directory on disk.
pub(crate) fn sync_directory(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}

/// Has the name of a file on disk.
pub(crate) fn sync_name(file: &Path) -> io::Result<()> {
    let directory = file.parent().filter(|parent| !parent.as_os_str().is_empty());
    sync_directory(directory.unwrap_or(Path::new(".")))
}
