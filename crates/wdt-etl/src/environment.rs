//! The variables a run sees: those of the process over those of `--env-file`.
//!
//! The only file of this crate that reads the process environment; nothing ever changes it.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// Variables by name; `Debug` shows names only, since any value may be a secret.
#[derive(Clone, Default)]
pub struct Variables(BTreeMap<String, String>);

/// An `--env-file` that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EnvFileError {
    /// The file is not there or cannot be read.
    #[error("variables file {}: {source}", path.display())]
    Unreadable {
        /// The file as given.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A line that sets no variable; the line is not repeated, since it may contain a secret.
    #[error("variables file {}{}: expected a line like NAME='value'", path.display(), line.map(|line| format!(":{line}")).unwrap_or_default())]
    Malformed {
        /// The file as given.
        path: PathBuf,
        /// Line from 1, where it could be found.
        line: Option<usize>,
    },
}

/// Where the runs of this machine share their call limits: a folder beside other temporary files.
#[must_use]
pub fn limits_folder() -> PathBuf {
    std::env::temp_dir().join("wdt-etl-limits")
}

impl Variables {
    /// The variables of this process; names and values that are not Unicode are left out.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
    pub fn of_process() -> Self {
        std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect()
    }

    /// Adds the variables of a file, as dotenv tools do: a variable that is already set keeps its value, and of two lines the last one counts.
    ///
    /// # Errors
    ///
    /// A file that cannot be read, or a line in it that sets no variable.
    pub fn with_file(self, path: &Path) -> Result<Self, EnvFileError> {
        let unreadable = |source| EnvFileError::Unreadable { path: path.to_owned(), source };
        let text = std::fs::read_to_string(path).map_err(unreadable)?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
        let mut variables = BTreeMap::new();
        for line in dotenvy::from_read_iter(text.as_bytes()) {
            let (name, value) = line.map_err(|error| malformed(path, text, &error))?;
            variables.insert(name, value);
        }
        variables.extend(self.0);
        Ok(Self(variables))
    }

    /// The value of a variable.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// The names in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

impl<N: Into<String>, V: Into<String>> FromIterator<(N, V)> for Variables {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(pairs: I) -> Self {
        Self(pairs.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }
}

impl fmt::Debug for Variables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.names()).finish()
    }
}

/// Keeps the line's number and drops its text, which the parser's own error contains.
fn malformed(path: &Path, text: &str, error: &dotenvy::Error) -> EnvFileError {
    let line = match error {
        dotenvy::Error::LineParse(piece, _) => {
            let piece = piece.lines().next().unwrap_or_default().trim();
            text.lines().position(|line| !piece.is_empty() && line.contains(piece)).map(|index| index + 1)
        }
        _ => None,
    };
    EnvFileError::Malformed { path: path.to_owned(), line }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn with_file(content: &str) -> Result<Variables, EnvFileError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(".env");
        std::fs::write(&path, content).unwrap();
        [("SET", "by the process")].into_iter().collect::<Variables>().with_file(&path)
    }

    #[test]
    fn the_process_stands_over_the_file() {
        let file = "\u{feff}# secrets\nSET='by the file'\nNEW='a$b#c'\nexport OTHER=1\nOTHER=2\r\n";
        let variables = with_file(file).unwrap();
        assert_eq!(variables.names().collect::<Vec<_>>(), ["NEW", "OTHER", "SET"]);
        let values = ["SET", "NEW", "OTHER", "NONE"].map(|name| variables.get(name));
        assert_eq!(values, [Some("by the process"), Some("a$b#c"), Some("2"), None]);
    }

    #[test]
    fn values_are_never_shown() {
        let shown = format!("{:?}", [("A", "hidden")].into_iter().collect::<Variables>());
        assert_eq!(shown, r#"{"A"}"#);
        for broken in [
            "A=1\nSECRET hidden\n",
            "A=1\nSECRET=hidden words\n",
            "A=1\nSECRET='hidden\n",
            "A=1\nSECRET=\"hi\\dden\"\n",
        ] {
            let error = with_file(broken).unwrap_err();
            let shown = format!("{error} {error:?}");
            assert!(shown.contains(":2: expected a line like NAME='value'"), "{shown}");
            assert!(!shown.contains("hidden") && !shown.contains("dden"), "{shown}");
        }
    }

    #[test]
    fn a_file_that_is_not_there_is_named() {
        let error = Variables::default().with_file(Path::new("/nowhere/.env")).unwrap_err();
        assert!(error.to_string().starts_with("variables file /nowhere/.env: "), "{error}");
    }
}
