//! How data files are encoded, whichever log names them.

use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;

/// Rows decoded at once.
pub(crate) const BATCH_ROWS: usize = 4096;
/// Rows of a Parquet row group: the writer holds one encoded group in memory.
const ROW_GROUP_ROWS: usize = 8 * 1024;
/// Bytes of a data page or a dictionary: each of some 75 columns holds one of each uncompressed.
const PAGE_BYTES: usize = 64 * 1024;

/// How data files are written, whichever log names them.
pub(crate) fn writer_properties() -> WriterProperties {
    let level = ZstdLevel::try_new(3).unwrap_or_default();
    WriterProperties::builder()
        .set_compression(Compression::ZSTD(level))
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
        .set_data_page_size_limit(PAGE_BYTES)
        .set_dictionary_page_size_limit(PAGE_BYTES)
        .set_created_by(concat!("wdt-etl ", env!("CARGO_PKG_VERSION")).to_owned())
        .build()
}
