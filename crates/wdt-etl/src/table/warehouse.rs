//! Where tables are kept, in place of a bare address.

use url::Url;

use super::error::WarehouseError;

/// A place that holds one table per name.
#[derive(Debug, Clone)]
pub struct Warehouse {
    /// Address of the folder, with a slash at its end.
    url: Url,
}

impl Warehouse {
    /// A folder of this machine, made when it is not there.
    ///
    /// # Errors
    ///
    /// [`WarehouseError::Address`] when the folder cannot be made.
    pub fn folder(folder: &str) -> Result<Self, WarehouseError> {
        let refused = |reason: String| WarehouseError::Address { url: folder.to_owned(), reason };
        if std::path::Path::new(folder).is_file() {
            return Err(refused("it is a file, not a folder".to_owned()));
        }
        std::fs::create_dir_all(folder).map_err(|error| refused(error.to_string()))?;
        let folder = std::fs::canonicalize(folder).map_err(|error| refused(error.to_string()))?;
        let url = Url::from_directory_path(&folder).map_err(|()| refused("not a folder".to_owned()))?;
        Ok(Self { url })
    }

    /// Address of a table.
    ///
    /// # Errors
    ///
    /// [`WarehouseError::Address`] when the name makes none.
    pub(super) fn address(&self, table: &str) -> Result<Url, WarehouseError> {
        let refused =
            |error: url::ParseError| WarehouseError::Address { url: self.url.to_string(), reason: error.to_string() };
        self.url.join(&format!("{table}/")).map_err(refused)
    }
}
