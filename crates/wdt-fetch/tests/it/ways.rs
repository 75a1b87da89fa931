//! One window: which evidence each way asks for, and that nothing is missing whatever moves.

use std::collections::BTreeSet;
use std::sync::Mutex;

use wdt_fetch::{PageSource, ReadOptions, Target, WindowError, read_window};
use wdt_models::decode::{Asked, decode};
use wdt_models::time::Seconds;
use wdt_models::{Certificate, Order, Verdict, Way, Window};

use crate::moving::{Moving, Row, START, Sort, assert_nothing_missing, endpoint, found, records};

const WINDOW: Window = Window::new(Seconds(START), Seconds(START + 3600));
const SORTS: [(Sort, Order); 6] = [
    (Sort::CursorUpKeyUp, Order::CursorUpKeyUp),
    (Sort::CursorDownKeyDown, Order::CursorDownKeyDown),
    (Sort::CursorDownKeyUp, Order::CursorDownKeyUp),
    (Sort::CursorUpKeyDown, Order::CursorUpKeyDown),
    (Sort::KeyUp, Order::KeyUp),
    (Sort::KeyDown, Order::KeyDown),
];

async fn read(source: &Moving, window: Window) -> Result<Vec<wdt_fetch::CertifiedPart>, WindowError> {
    let options = ReadOptions::default();
    read_window(source, window, &options).await.map(|read| read.parts)
}

fn uncertified(result: Result<Vec<wdt_fetch::CertifiedPart>, WindowError>) -> (Window, String, Certificate) {
    match result {
        Err(WindowError::Uncertified { what: Target::Window(window), reason, certificate }) => {
            (window, reason, *certificate)
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_total_that_fits_one_page_is_one_call_and_its_own_certificate() {
    let source = Moving::spread(10, WINDOW, 1);
    let parts = read(&source, WINDOW).await.unwrap();
    assert_eq!(source.asked().len(), 1);
    let certificate = &parts[0].certificate;
    assert_eq!((certificate.way, certificate.verdict), (Way::SinglePage, Verdict::Certified));
    assert_eq!((certificate.declared_before, certificate.distinct, certificate.pages), (10, 10, 1));
    assert_nothing_missing(&source, WINDOW, &parts);
}

#[tokio::test]
async fn an_empty_window_is_one_call() {
    let source = Moving::new(vec![], 1);
    let parts = read(&source, WINDOW).await.unwrap();
    assert_eq!((source.asked().len(), parts.len(), parts[0].certificate.distinct), (1, 1, 0));
}

#[tokio::test]
async fn a_quiet_window_is_read_in_any_order_and_closed_by_a_second_total() {
    let source = Moving::spread(45, WINDOW, 2);
    let parts = read(&source, WINDOW).await.unwrap();
    let certificate = &parts[0].certificate;
    assert_eq!((parts.len(), certificate.way, certificate.attempts), (1, Way::AnyOrder, 1));
    assert_eq!((certificate.declared_before, certificate.distinct, certificate.declared_after), (45, 45, 45));
    assert_eq!((certificate.pages, certificate.rows, source.asked().len()), (5, 45, 6));
    assert_nothing_missing(&source, WINDOW, &parts);
}

#[tokio::test]
async fn rows_edited_meanwhile_are_never_missing_in_any_strict_order() {
    // Several rows in many a second: without them more than one order would fit.
    let window = Window::new(Seconds(START), Seconds(START + 300));
    let (mut backward, mut named) = (0, 0);
    for (sort, order) in SORTS {
        for seed in 0..15 {
            let source = Moving { sort, edits: 30, ..Moving::spread(120, window, seed) };
            let parts = read(&source, window).await.unwrap_or_else(|error| panic!("{sort:?} seed {seed}: {error}"));
            assert_nothing_missing(&source, window, &parts);
            for certificate in parts.iter().map(|part| &part.certificate) {
                let bounds = certificate.declared_after..=certificate.declared_before;
                assert!(bounds.contains(&certificate.distinct), "{sort:?} seed {seed}: {certificate:?}");
                if certificate.way == Way::Backward {
                    assert_ne!(certificate.order, Order::NotStrict);
                    backward += 1;
                    named += usize::from(certificate.order == order);
                }
            }
        }
    }
    assert!(backward > 40, "the second way was hardly tried: {backward}");
    assert!(named * 10 > backward * 9, "{named} of {backward} orders were named right");
}

#[tokio::test]
async fn a_row_met_again_on_the_next_page_of_the_walk_back_breaks_no_order() {
    // The first row leaves before the closing total is asked for, the next one in the middle of the walk back.
    let source =
        Moving::new((0..45).map(|spec| Row::new(spec, START + spec)).collect(), 13).twisted(|call, _, rows, _| {
            if let Some(leaves) = [4, 7].iter().position(|&at| at == call) {
                rows[leaves].modified = (WINDOW.end + 1).0;
            }
        });
    let parts = read(&source, WINDOW).await.unwrap();
    let certificate = &parts[0].certificate;
    assert_eq!((parts.len(), certificate.way, certificate.order), (1, Way::Backward, Order::CursorUpKeyUp));
    let totals = (certificate.declared_before, certificate.distinct, certificate.declared_after);
    assert_eq!((totals, certificate.rows, certificate.attempts), ((44, 43, 43), 44, 2));
    assert_eq!(found(&parts).len(), 43);
    assert_nothing_missing(&source, WINDOW, &parts);
}

/// The control of the test above: the same edits make a walk forward lose rows.
#[tokio::test]
async fn a_walk_forward_would_lose_rows() {
    let mut lost = 0;
    for seed in 0..60 {
        let source = Moving { edits: 30, ..Moving::spread(200, WINDOW, seed) };
        let mut found = BTreeSet::new();
        for page in 0..20 {
            found.extend(records(&source.page(Target::Window(WINDOW), None, page).await.unwrap().decoded.batch));
        }
        lost += source.standing(WINDOW).difference(&found).count();
    }
    assert!(lost > 60, "{lost}");
}

#[tokio::test]
async fn without_a_strict_order_a_window_in_motion_is_split_until_its_pieces_prove_themselves() {
    let mut split = 0;
    for seed in 0..20 {
        let window = Window::new(Seconds(START), Seconds(START + 120));
        let source = Moving { sort: Sort::CursorAlone, edits: 20, ..Moving::spread(150, window, seed) };
        let parts = read(&source, window).await.unwrap_or_else(|error| panic!("seed {seed}: {error}"));
        assert_nothing_missing(&source, window, &parts);
        assert_eq!((parts[0].window.start, parts[parts.len() - 1].window.end), (window.start, window.end));
        assert!(parts.windows(2).all(|pair| pair[1].window.start == pair[0].window.end - 1), "seed {seed}");
        split += usize::from(parts.len() > 1);
    }
    assert!(split > 10, "{split}");
}

#[tokio::test]
async fn a_window_that_is_not_settled_is_not_walked_backward() {
    for (now, ways) in [(WINDOW.end + 301, Way::Backward), (WINDOW.end + 300, Way::SinglePage)] {
        // One row leaves before the closing total is asked for; nothing moves after that.
        let source = Moving::spread(25, WINDOW, 3).twisted(|call, _, rows, page| {
            if call == 3 {
                rows[0].modified = (WINDOW.end + 1).0;
                page.total -= 1;
            }
        });
        let source = Moving { now: now.0, ..source };
        let parts = read(&source, WINDOW).await.unwrap();
        assert!(
            parts.iter().all(|part| part.certificate.way == ways || part.certificate.way == Way::AnyOrder),
            "{parts:?}"
        );
        assert_eq!(parts.iter().any(|part| part.certificate.way == Way::Backward), ways == Way::Backward);
        assert_nothing_missing(&source, WINDOW, &parts);
    }
}

fn lying() -> Moving {
    Moving::spread(45, WINDOW, 4).twisted(|_, _, _, page| page.total += 1)
}

#[tokio::test]
async fn a_total_that_is_never_reached_is_never_certified() {
    let (window, reason, certificate) = uncertified(read(&lying(), WINDOW).await);
    assert_eq!(window.seconds(), Window::SHORTEST_SECONDS);
    assert_eq!((certificate.verdict, certificate.start), (Verdict::Uncertified, Some(window.start)));
    assert!(reason.contains("0 records read, 1 declared"), "{reason}");
}

#[tokio::test]
async fn what_cannot_be_proved_is_given_as_it_was_read_only_inside_the_window_that_is_accepted() {
    // one second of the window counts a record that no page holds
    let at = START + 1000;
    let source = || {
        Moving::spread(45, WINDOW, 4).twisted(move |_, asked, _, page| {
            if (asked.window.start..=asked.window.end).contains(&Seconds(at)) {
                page.total += 1;
            }
        })
    };
    let accepting = |accept| ReadOptions { accept: Some(accept), ..ReadOptions::default() };
    let beside = accepting(Window::new(Seconds(at + 3), WINDOW.end));
    let refused = read_window(&source(), WINDOW, &beside).await;
    let (failed, ..) = uncertified(refused.map(|read| read.parts));
    let moved = source();
    let parts =
        read_window(&moved, WINDOW, &accepting(Window::new(Seconds(at - 3), Seconds(at + 3)))).await.unwrap().parts;
    let of = |verdict| parts.iter().filter(move |part| part.certificate.verdict == verdict);
    assert!(of(Verdict::Accepted).any(|part| part.window == failed), "{failed}");
    assert!(of(Verdict::Accepted).all(|part| part.window.seconds() <= Window::SHORTEST_SECONDS), "{parts:?}");
    assert!(of(Verdict::Accepted).all(|part| part.certificate.declared_before == part.certificate.distinct + 1));
    assert!(of(Verdict::Certified).count() > 1, "what can be proved is proved");
    assert_nothing_missing(&moved, WINDOW, &parts);
}

#[tokio::test]
async fn of_two_readings_that_prove_nothing_the_fuller_one_is_accepted() {
    // one second, two pages and more, in no order: the walk back stops at the first page it sees
    let second = Window::new(Seconds(START), Seconds(START + 2));
    let source = Moving::spread(25, second, 4).twisted(|_, _, _, page| {
        page.total += 1;
        page.records.reverse();
    });
    let options = ReadOptions { accept: Some(second), ..ReadOptions::default() };
    let parts = read_window(&source, second, &options).await.unwrap().parts;
    assert_eq!((parts.len(), parts[0].certificate.verdict), (1, Verdict::Accepted));
    assert_nothing_missing(&source, second, &parts);
}

#[tokio::test]
async fn a_page_that_hides_rows_behind_others_that_leave_is_noticed() {
    // While the walk goes back, page 2 answers an empty success, and as many rows leave after they were read.
    let source = Moving::spread(60, WINDOW, 5).twisted(|call, asked, rows, page| {
        let walk_back = call > 6 && asked.window == WINDOW;
        if call == 5 {
            rows[0].modified = (WINDOW.end + 1).0;
        }
        if walk_back && asked.page == 2 {
            page.records.clear();
            let mut last: Vec<&mut Row> = rows.iter_mut().filter(|row| row.modified <= WINDOW.end.0).collect();
            last.sort_by_key(|row| row.modified);
            last.iter_mut().rev().take(10).for_each(|row| row.modified = (WINDOW.end + 1).0);
        }
    });
    let parts = read(&source, WINDOW).await.unwrap();
    assert!(parts.len() > 1, "the walk back was believed: {:?}", parts[0].certificate);
    assert_nothing_missing(&source, WINDOW, &parts);
}

#[tokio::test]
async fn an_empty_success_where_rows_stood_needs_a_second_one() {
    // The walk back ends in an empty page 0 while all rows still stand.
    let source = Moving::spread(25, WINDOW, 6).twisted(|call, asked, rows, page| {
        if call == 2 {
            rows[0].modified = (WINDOW.end + 1).0;
        }
        if call > 3 && call <= 6 && asked.window == WINDOW && asked.page < 2 {
            (page.total, page.records) = (0, vec![]);
        }
    });
    let parts = read(&source, WINDOW).await.unwrap();
    assert!(source.asked().len() > 7, "the walk back was not tried");
    assert_nothing_missing(&source, WINDOW, &parts);

    // A piece of a split window answers empty once.
    let source = Moving::spread(25, WINDOW, 6).twisted(|_, asked, _, page| {
        if asked.window == WINDOW {
            page.total += 1;
        }
    });
    let pieces = read(&source, WINDOW).await.unwrap().len();
    let once = std::sync::atomic::AtomicBool::new(true);
    let source = Moving::spread(25, WINDOW, 6).twisted(move |_, asked, _, page| {
        if asked.window == WINDOW {
            page.total += 1;
        } else if once.swap(false, std::sync::atomic::Ordering::Relaxed) {
            (page.total, page.records) = (0, vec![]);
        }
    });
    let parts = read(&source, WINDOW).await.unwrap();
    assert_eq!(parts.len(), pieces);
    assert_nothing_missing(&source, WINDOW, &parts);
}

#[tokio::test]
async fn a_window_with_too_many_pages_is_cut_before_they_are_read() {
    let source = Moving::spread(300, WINDOW, 7);
    let options = ReadOptions { max_pages: 4, ..ReadOptions::default() };
    let parts = read_window(&source, WINDOW, &options).await.unwrap().parts;
    assert!(parts.len() >= 8 && parts.iter().all(|part| part.certificate.pages <= 4));
    assert!(source.asked().iter().all(|asked| asked.window != WINDOW || asked.page == 0));
    assert!(parts.windows(2).all(|pair| pair[1].window.start == pair[0].window.end - 1));
    assert_nothing_missing(&source, WINDOW, &parts);
}

/// Rows of one second in several warehouses, in pages of 10, whose order changes from call to call.
fn bulk(warehouses: i64, each: i64, seed: u64) -> Moving {
    let row = |spec| Row { warehouse: spec % warehouses + 1, ..Row::new(spec, START + 1) };
    Moving { sort: Sort::CursorAlone, ..Moving::new((0..warehouses * each).map(row).collect(), seed) }
}

const SHORTEST: Window = Window::new(Seconds(START), Seconds(START + 2));

#[tokio::test]
async fn the_shortest_window_is_split_by_the_documented_filter() {
    let source = bulk(4, 9, 8);
    let parts = read(&source, SHORTEST).await.unwrap();
    let certificate = &parts[0].certificate;
    assert_eq!((parts.len(), certificate.way, certificate.distinct), (1, Way::Filtered, 36));
    let filter = certificate.filter.as_ref().unwrap();
    assert_eq!((filter.param.as_str(), filter.totals.len()), ("warehouse_no", 4));
    assert!(filter.totals.values().all(|&total| total == 9));
    assert_nothing_missing(&source, SHORTEST, &parts);
}

#[tokio::test]
async fn a_filter_value_that_was_not_seen_is_noticed() {
    let source = bulk(4, 9, 8).twisted(|_, asked, _, page| {
        if asked.filter.is_none() {
            page.records.retain(|record| !record.contains("WH-3"));
        }
    });
    let (window, reason, certificate) = uncertified(read(&source, SHORTEST).await);
    assert_eq!((window, certificate.way), (SHORTEST, Way::Filtered));
    assert!(reason.contains("do not add up to the 36"), "{reason}");
    assert_eq!(certificate.filter.unwrap().totals.len(), 3);
}

#[tokio::test]
async fn a_filtered_part_that_cannot_be_proved_fails_the_window() {
    let (window, reason, certificate) = uncertified(read(&bulk(2, 25, 9), SHORTEST).await);
    assert_eq!((window, certificate.verdict), (SHORTEST, Verdict::Uncertified));
    assert!(reason.contains("warehouse_no WH-1"), "{reason}");
}

#[tokio::test]
async fn byte_equal_records_land_once_and_two_records_of_one_key_both() {
    // Row 4 has two versions; on the second page one record is refused and the other stands twice.
    let twice = Row::new(4, START + 4);
    let rows = (0..11).map(|spec| Row::new(spec, START + spec)).chain([Row { version: 1, ..twice }]).collect();
    let source = Moving::new(rows, 10).twisted(|_, asked, _, page| {
        if asked.page == 1 {
            page.records[0] = page.records[0].replace(r#""stock_num":"0""#, r#""stock_num":"abc""#);
            page.records.push(page.records[1].clone());
        }
    });
    let parts = read(&source, WINDOW).await.unwrap();
    let certificate = &parts[0].certificate;
    assert_eq!((certificate.rows, certificate.distinct, certificate.keys_with_two_records), (13, 12, 1));
    let found = found(&parts);
    assert_eq!((found.len(), found.iter().filter(|(spec, _)| *spec == 4).count(), parts[0].refused.len()), (11, 2, 1));
}

#[tokio::test]
async fn refused_records_count_and_are_given_once() {
    let first = Mutex::new(String::new());
    let source = Moving::spread(25, WINDOW, 11).twisted(move |_, asked, _, page| {
        for record in page.records.iter_mut().step_by(5) {
            *record = record.replace(r#""stock_num":"0""#, r#""stock_num":"abc""#);
        }
        match asked.page {
            0 => first.lock().unwrap().clone_from(&page.records[0]),
            1 => page.records.push(first.lock().unwrap().clone()),
            _ => {}
        }
    });
    let parts = read(&source, WINDOW).await.unwrap();
    let certificate = &parts[0].certificate;
    assert_eq!((certificate.rows, certificate.distinct, certificate.refused, parts[0].refused.len()), (26, 25, 5, 5));
    assert_eq!(found(&parts).len(), 20);
}

#[tokio::test]
async fn refused_records_are_passed_over_in_a_strict_order_but_a_page_of_nothing_else_proves_none() {
    for (step, certified) in [(3, true), (1, false)] {
        let source = Moving::spread(45, WINDOW, 12).twisted(move |call, asked, rows, page| {
            if call == 4 {
                rows[0].modified = (WINDOW.end + 1).0;
            }
            if asked.page == 2 && asked.window == WINDOW {
                for record in page.records.iter_mut().step_by(step) {
                    *record = record.replace(r#""stock_num":"0""#, r#""stock_num":"abc""#);
                }
            }
        });
        let parts = read(&source, WINDOW).await.unwrap();
        assert_eq!(parts.len() == 1, certified, "step {step}: {:?}", parts[0].certificate);
    }
}

#[test]
fn the_records_of_these_tests_are_typed() {
    let raw = serde_json::value::RawValue::from_string(r#"{"spec_id":"1"}"#.to_owned()).unwrap();
    assert_eq!(decode(endpoint(), &[&raw], &Asked::page(0, false)).refused.len(), 1, "the key is required");
}

mod whole {
    use super::*;

    async fn read_whole(source: &Moving) -> Result<Vec<wdt_fetch::CertifiedPart>, WindowError> {
        let options = ReadOptions { whole: true, max_pages: 2, ..ReadOptions::default() };
        read_window(source, WINDOW, &options).await.map(|read| read.parts)
    }

    #[tokio::test]
    async fn a_window_that_must_not_be_cut_is_one_piece_however_many_pages_it_has() {
        for seed in 0..20 {
            let source = Moving { edits: 30, ..Moving::spread(300, WINDOW, seed) };
            let parts = read_whole(&source).await.unwrap_or_else(|error| panic!("seed {seed}: {error}"));
            assert_eq!((parts.len(), parts[0].window), (1, WINDOW), "seed {seed}");
            assert!(source.asked().iter().all(|asked| asked.window == WINDOW && asked.filter.is_none()));
            assert_nothing_missing(&source, WINDOW, &parts);
        }
    }

    #[tokio::test]
    async fn a_row_that_moves_to_the_last_page_does_not_count_for_one_that_was_skipped() {
        // What a platform does that takes everything for the window: the edited row does not leave it.
        let rows = (0..45).map(|spec| Row::new(spec, START + spec)).collect();
        let source = Moving::new(rows, 3).twisted(|call, _, rows, _| {
            if call == 0 {
                (rows[0].modified, rows[0].version) = (WINDOW.end.0, 1);
            }
        });
        let parts = read_whole(&source).await.unwrap();
        assert_eq!((parts.len(), parts[0].certificate.way), (1, Way::Backward));
        assert_nothing_missing(&source, WINDOW, &parts);
    }

    #[tokio::test]
    async fn it_is_read_anew_three_times_and_then_not_certified() {
        for (moves_until, attempts) in [(11, Some(3)), (12, Some(4)), (22, Some(5)), (usize::MAX, None)] {
            // eleven calls a reading: five and a total in any order, five back; before the others of either a row of the
            // first page moves to the last one
            let rows = (0..45).map(|spec| Row::new(spec, START + spec)).collect();
            let source = Moving::new(rows, 4).twisted(move |call, asked, rows, _| {
                if call < moves_until && [0, 4].contains(&asked.page) {
                    let last = rows.iter().map(|row| row.modified).max().unwrap();
                    let first = rows.iter_mut().min_by_key(|row| row.modified).unwrap();
                    (first.modified, first.version) = (last + 1, first.version + 1);
                }
            });
            match (read_whole(&source).await, attempts) {
                (Ok(parts), Some(attempts)) => {
                    assert_eq!(parts[0].certificate.attempts, attempts);
                    assert_nothing_missing(&source, WINDOW, &parts);
                }
                (result, None) => {
                    let (window, _, certificate) = uncertified(result);
                    assert_eq!((window, certificate.attempts), (WINDOW, 6));
                }
                (result, _) => panic!("{moves_until}: {result:?}"),
            }
        }
    }
}
