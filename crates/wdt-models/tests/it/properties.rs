//! Rows made up from the field tables come back cell by cell through each gateway's answers; windows and their pieces
//! cover a range; no bytes make the crate panic.
//!
//! A failure prints the seed it was made from; put into [`REPLAYED`] it is tried first from then on.

use proptest::prelude::*;
use serde_json::value::RawValue;
use wdt_models::decode::{Asked, decode, keys};
use wdt_models::endpoints::ALL;
use wdt_models::time::{Seconds, format_wall_time, parse_wall_time};
use wdt_models::{Endpoint, Method, Slice, SyncMode, Window, envelope};

use crate::decode::INVENTED;
use crate::fixture;
use crate::page_forms::Page;
use crate::random::Random;
use crate::rows::{assert_cells, record};

/// Seeds that failed once, or are worth trying each time.
const REPLAYED: &[u64] = &[0, 1, 20_261_122];

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(200) })]

    /// Trips on any cell that is shifted, rounded, lost or invented, in whatever form it was sent.
    #[test]
    fn rows_come_back_cell_by_cell(seed: u64) {
        for endpoint in ALL.iter().copied().chain([&INVENTED]) {
            round_trip(endpoint, &mut Random(seed));
        }
    }

    /// The same through the answer of every call: wrappings, empty lists, totals as text, flags, in any order.
    #[test]
    fn pages_of_every_call_come_back_cell_by_cell(seed: u64) {
        pages_of_all(seed);
    }

    #[test]
    fn any_bytes_are_read_without_panic(bytes: Vec<u8>) {
        read(&bytes);
    }

    #[test]
    fn a_damaged_page_is_read_without_panic(
        page in any::<prop::sample::Index>(),
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
    ) {
        for endpoint in ALL {
            let cases = fixture::cases(endpoint);
            let mut bytes = fixture::read(endpoint, &cases[page.index(cases.len())]);
            for (index, byte) in &edits {
                let position = index.index(bytes.len());
                // Half of the damage keeps the JSON readable, so that it reaches the cells.
                bytes[position] = if byte % 2 == 0 { b"0123456789.-eE u\\:,"[usize::from(byte / 2) % 19] } else { *byte };
            }
            read(&bytes);
        }
    }

    /// Trips on a gap, an overlap of more than a second, a piece that is empty or longer than its window.
    #[test]
    fn pieces_of_a_window_cover_it(start in -1_000_000_000i64..4_000_000_000, seconds in 2i64..3_000_000, choices: Vec<bool>) {
        let window = Window::new(Seconds(start), Seconds(start + seconds));
        let mut pieces = vec![window];
        for (number, cut) in choices.iter().enumerate() {
            let place = number % pieces.len();
            if let Some((first, second)) = pieces[place].halves().filter(|_| *cut) {
                pieces.splice(place..=place, [first, second]);
            }
        }
        prop_assert_eq!((pieces[0].start, pieces[pieces.len() - 1].end), (window.start, window.end));
        prop_assert!(pieces.windows(2).all(|pair| pair[1].start == pair[0].end - 1 && pair[1].end > pair[0].end));
        prop_assert!(pieces.iter().all(|piece| (2..=seconds).contains(&piece.seconds())));
    }

    /// Any text stands for no time or for one that is written the same way.
    #[test]
    fn wall_times_of_any_text(text in "\\PC*|[0-9]{0,5}[-/ :0-9]{0,20}", seconds in -60_000_000_000i64..200_000_000_000) {
        if let Some(seconds) = parse_wall_time(&text) {
            prop_assert_eq!(parse_wall_time(&format_wall_time(seconds)), Some(seconds));
        }
        let seconds = Seconds(seconds);
        let shown = format_wall_time(seconds);
        prop_assert!(parse_wall_time(&shown).is_none_or(|read| read == seconds), "{shown}");
    }
}

#[test]
fn seeds_that_are_tried_each_time() {
    for seed in REPLAYED {
        for endpoint in ALL.iter().copied().chain([&INVENTED]) {
            round_trip(endpoint, &mut Random(*seed));
        }
        pages_of_all(*seed);
    }
}

fn read(bytes: &[u8]) {
    for endpoint in ALL {
        for method in endpoint.methods {
            let Ok(answer) = envelope::read(endpoint, method, bytes) else { continue };
            let records = answer.records.len();
            let decoded = decode(endpoint, &answer.records, &Asked::page(0, true));
            assert_eq!(decoded.batch.num_rows() + decoded.refused.len(), records);
            let texts: Vec<_> = answer.records.iter().map(|record| record.get()).collect();
            let keys = keys(endpoint, &Slice::default(), &texts);
            assert_eq!(keys.batch.num_rows() + keys.unreadable, records);
            assert!(keys.batch.num_rows() >= decoded.batch.num_rows(), "an accepted record has a key");
        }
    }
    let repaired = envelope::repaired(bytes);
    assert!(repaired.is_none_or(|repaired| repaired.len() > bytes.len()));
}

fn round_trip(endpoint: &Endpoint, random: &mut Random) {
    let record = |_| record(endpoint.fields, &Slice::default(), random);
    let (texts, expected): (Vec<_>, Vec<_>) = (0..3).map(record).unzip();
    let what = texts.join("\n");
    let records: Vec<Box<RawValue>> = texts.into_iter().map(|text| RawValue::from_string(text).unwrap()).collect();
    let records: Vec<&RawValue> = records.iter().map(AsRef::as_ref).collect();
    let decoded = decode(endpoint, &records, &Asked::page(0, true));
    assert_cells(endpoint.fields, &decoded, &expected, &what);
}

fn pages_of_all(seed: u64) {
    let random = &mut Random(seed);
    for endpoint in ALL {
        for method in endpoint.methods {
            page_round_trip(endpoint, method, random);
        }
    }
}

fn page_round_trip(endpoint: &Endpoint, method: &Method, random: &mut Random) {
    let slice = slice(endpoint, random);
    let most = if method.shape.single { 2 } else { 5 };
    let count = random.below(most);
    let (texts, expected): (Vec<_>, Vec<_>) = (0..count).map(|_| record(endpoint.fields, &slice, random)).unzip();
    let page = Page::new(endpoint, method, &texts, random);
    let what = format!("{}: {}", method.name, String::from_utf8_lossy(&page.body));
    let answer = envelope::read(endpoint, method, &page.body).unwrap_or_else(|error| panic!("{error} in {what}"));
    assert_eq!((answer.total, answer.refused.len()), (page.total, page.refused), "{what}");
    let decoded = decode(endpoint, &answer.records, &Asked { page: 0, personal: true, slice: &slice });
    assert_cells(endpoint.fields, &decoded, &expected, &what);
}

/// A slice to ask for, where the endpoint has any.
fn slice(endpoint: &Endpoint, random: &mut Random) -> Slice {
    let SyncMode::Slices(dimensions) = endpoint.sync else { return Slice::default() };
    let value = |dimension: &wdt_models::Dimension| match dimension.values {
        [] => format!("STORE_{}", random.below(9)),
        values => values[usize::try_from(random.below(values.len() as u64)).unwrap()].to_owned(),
    };
    let values: Vec<Vec<String>> = dimensions.iter().map(value).map(|value| vec![value]).collect();
    Slice::all(dimensions, &values).remove(0)
}
