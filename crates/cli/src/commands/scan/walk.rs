//! The files under a path, in the order of their names.
//!
//! Invariant: no symbolic link below the start is followed, so the walk ends; the depth costs memory, not stack. Sockets, pipes
//! and devices below the start are passed over, because reading them might never end.

use std::{fs, io, path::PathBuf};

/// The walk. What was named at the start is read whatever it is, a link too; below it only plain files and directories are.
#[derive(Debug)]
pub(super) struct Walk {
    /// What is still to visit; the next is the last.
    open: Vec<Entry>,
}

#[derive(Debug)]
enum Entry {
    /// Named by the person.
    Start(PathBuf),
    Directory(PathBuf),
    File(PathBuf),
    Failed(PathBuf, io::Error),
}

// === impl Walk ===

impl From<PathBuf> for Walk {
    fn from(start: PathBuf) -> Self {
        Self {
            open: vec![Entry::Start(start)],
        }
    }
}

impl Iterator for Walk {
    type Item = Result<PathBuf, (PathBuf, io::Error)>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match self.open.pop()? {
                Entry::File(path) => return Some(Ok(path)),
                Entry::Failed(path, error) => return Some(Err((path, error))),
                Entry::Start(path) => match fs::metadata(&path) {
                    Ok(metadata) if metadata.is_dir() => self.open.push(Entry::Directory(path)),
                    Ok(_) => return Some(Ok(path)),
                    Err(error) => return Some(Err((path, error))),
                },
                Entry::Directory(path) => match list(&path) {
                    Ok(entries) => self.open.extend(entries),
                    Err(error) => return Some(Err((path, error))),
                },
            }
        }
    }
}

/// What is in a directory, the last name first.
fn list(directory: &PathBuf) -> io::Result<Vec<Entry>> {
    let mut entries = Vec::new();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => entries.push(Entry::Directory(entry.path())),
            Ok(kind) if kind.is_file() => entries.push(Entry::File(entry.path())),
            Ok(_) => {}
            Err(error) => entries.push(Entry::Failed(entry.path(), error)),
        }
    }
    entries.sort_by(|left, right| right.path().cmp(left.path()));
    Ok(entries)
}

impl Entry {
    fn path(&self) -> &PathBuf {
        match self {
            Self::Start(path) | Self::Directory(path) | Self::File(path) | Self::Failed(path, _) => path,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn files_come_in_order_and_links_below_the_start_are_not_followed() {
        let home = tempfile::tempdir().unwrap();
        let root = home.path();
        for folder in ["b/deep", "a"] {
            fs::create_dir_all(root.join(folder)).unwrap();
        }
        for file in ["b/deep/2", "b/1", "a/3", "c"] {
            fs::write(root.join(file), "").unwrap();
        }
        symlink(root, root.join("a/loop")).unwrap();
        symlink(root.join("c"), root.join("link")).unwrap();

        let walked = |start: PathBuf| -> Vec<_> {
            Walk::from(start)
                .map(|path| path.unwrap().strip_prefix(root).unwrap().display().to_string())
                .collect()
        };

        assert_eq!(walked(root.to_owned()), ["a/3", "b/1", "b/deep/2", "c"]);
        assert_eq!(walked(root.join("link")), ["link"], "what is named is read");
    }

    #[test]
    fn what_is_missing_is_said() {
        let home = tempfile::tempdir().unwrap();

        let mut walk = Walk::from(home.path().join("missing"));

        assert!(matches!(walk.next(), Some(Err((_, error))) if error.kind() == io::ErrorKind::NotFound));
        assert!(walk.next().is_none());
    }
}
