//! Slices of a snapshot: which evidence a reading needs, and that no wrong one passes, whatever moves.

use std::collections::BTreeSet;

use wdt_fetch::{CertifiedSlice, Target, WindowError};
use wdt_models::{Certificate, Verdict, Way};

use crate::shelf::{Item, Shelf, assert_whole, endpoint, found, slice};

fn uncertified(result: Result<CertifiedSlice, WindowError>) -> (String, Certificate) {
    match result {
        Err(WindowError::Uncertified { what, reason, certificate }) => {
            assert_eq!(what, Target::Slice(slice()));
            (reason, *certificate)
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_slice_is_read_page_by_page_and_closed_by_a_second_total() {
    let shelf = Shelf::new(35);
    let read = shelf.read(true).await.unwrap();
    assert_eq!(shelf.asked(), [1, 2, 3, 4, 1]);
    assert_whole(&shelf, &read);
    let Certificate { way, verdict, attempts, declared_before, declared_after, .. } = read.certificate;
    assert_eq!((way, verdict, attempts), (Way::Slice, Verdict::Certified, 1));
    assert_eq!((declared_before, read.certificate.distinct, declared_after), (35, 35, 35));
    assert_eq!((read.certificate.pages, read.certificate.rows, found(&read).len()), (4, 35, 35));
    assert_eq!((read.certificate.start, read.certificate.slice, read.slice), (None, Some(slice()), slice()));
}

#[tokio::test]
async fn a_total_that_fits_one_page_is_one_call() {
    let shelf = Shelf::new(10);
    // in a task of its own, as a run may read it
    let task = tokio::spawn(async move {
        let read = shelf.read(true).await.unwrap();
        (shelf, read)
    });
    let (shelf, read) = task.await.unwrap();
    assert_eq!((shelf.asked(), read.certificate.way, read.certificate.distinct), (vec![1], Way::SinglePage, 10));
    assert_whole(&shelf, &read);
}

#[tokio::test]
async fn one_row_moving_at_a_time_never_passes_for_a_whole_slice() {
    let (mut whole, mut again, mut failed) = (0, 0, 0);
    for seed in 0..300 {
        let shelf = Shelf::new(43).drifting(15, seed);
        match shelf.read(true).await {
            Ok(read) => {
                assert_eq!(found(&read).into_iter().collect::<BTreeSet<_>>(), shelf.standing(), "seed {seed}");
                whole += 1;
                again += usize::from(read.certificate.attempts > 1);
            }
            Err(error) => {
                assert!(matches!(error, WindowError::Uncertified { .. }), "seed {seed}: {error}");
                failed += 1;
            }
        }
    }
    assert!(whole > 100 && again > 50 && failed > 20, "{whole} whole, {again} of them again, {failed} failed");
}

#[tokio::test]
async fn a_slice_that_moved_is_read_again_from_the_last_page() {
    // A row of the first page goes before the closing total: every page was whole, and yet one row is gone.
    let shelf = Shelf::new(35).moved(|call, _, rows| {
        if call == 4 {
            rows.remove(3);
        }
    });
    let read = shelf.read(true).await.unwrap();
    assert_eq!(shelf.asked(), [1, 2, 3, 4, 1, 4, 3, 2, 1]);
    assert_eq!((read.certificate.attempts, read.certificate.distinct), (2, 34));
    assert_whole(&shelf, &read);
}

#[tokio::test]
async fn a_slice_that_never_rests_is_given_up_after_three_readings() {
    let shelf = Shelf::new(35).moved(|call, _, rows| {
        if [2, 4, 7].contains(&call) {
            rows.remove(0);
        }
    });
    let (reason, certificate) = uncertified(shelf.read(true).await);
    assert_eq!(shelf.asked(), [1, 2, 3, 4, 3, 1, 2, 3], "forward, back, forward, each until it failed");
    assert_eq!((certificate.verdict, certificate.attempts), (Verdict::Uncertified, 3));
    for words in ["reading 1: 35 declared before and 34 on page 2", "reading 2: 34", "reading 3: 33"] {
        assert!(reason.contains(words), "{reason}");
    }
}

#[tokio::test]
async fn a_total_on_the_way_tells_of_a_row_that_went_and_another_that_came() {
    // The total before and after and the number of records agree, and yet row 10 was met on no page.
    let shelf = Shelf::new(35).moved(|call, _, rows| match call {
        1 => drop(rows.remove(0)),
        2 => rows.push(Item { id: 99, quantity: 0 }),
        _ => {}
    });
    let read = shelf.read(true).await.unwrap();
    assert_eq!(read.certificate.attempts, 3);
    assert_whole(&shelf, &read);
}

#[tokio::test]
async fn a_changed_row_that_moved_past_another_is_noticed_by_its_key() {
    // Every total is 35 and 35 different records are read: row 3 with both its quantities, and row 10 never.
    let shelf = Shelf::new(35).moved(|call, _, rows| {
        if call == 1 {
            let Item { id, quantity } = rows.remove(3);
            rows.push(Item { id, quantity: quantity + 90 });
        }
    });
    let read = shelf.read(true).await.unwrap();
    assert_eq!((read.certificate.attempts, read.certificate.keys_with_two_records), (2, 0));
    assert_whole(&shelf, &read);
}

#[tokio::test]
async fn a_record_met_twice_instead_of_another_is_noticed() {
    let doubled = |_: usize, page_no: u32, page: &mut crate::shelf::Page| {
        if page_no == 2 {
            page.records[0] = Item { id: 9, quantity: 9 }.json();
        }
    };
    let (reason, certificate) = uncertified(Shelf::new(35).twisted(doubled).read(true).await);
    assert!(reason.contains("34 records read, 35 declared before and 35 after"), "{reason}");
    assert_eq!((certificate.rows, certificate.distinct), (35, 34));
}

#[tokio::test]
async fn a_total_that_is_never_reached_is_never_certified() {
    for rows in [0, 5, 10, 35, 40] {
        let shelf = Shelf::new(rows).twisted(|_, _, page| page.total = page.total.map(|total| total + 1));
        let (reason, _) = uncertified(shelf.read(false).await);
        assert!(reason.contains(&format!("{} declared", rows + 1)), "{reason}");
    }
    let shelf = Shelf::new(5).twisted(|_, _, page| page.total = None);
    assert!(uncertified(shelf.read(false).await).0.contains("5 records read, 0 declared"));
    let huge = Shelf::new(5).twisted(|_, _, page| page.total = Some(1_000_000));
    uncertified(huge.read(false).await);
    assert!(huge.asked().len() < 10, "an empty page ends a reading: {}", huge.asked().len());
}

#[tokio::test]
async fn an_empty_answer_where_rows_stood_needs_a_second_one() {
    let empty = Shelf::new(0);
    assert_eq!(empty.read(false).await.unwrap().certificate.attempts, 1);
    assert_eq!(empty.asked(), [1]);

    let emptied = Shelf::new(0);
    let read = emptied.read(true).await.unwrap();
    let Certificate { attempts, distinct, verdict, .. } = read.certificate;
    assert_eq!((emptied.asked(), attempts, distinct, verdict), (vec![1, 1], 1, 0, Verdict::Certified));

    for rows in [5, 35] {
        let glitch = Shelf::new(rows).twisted(|call, _, page| {
            if call == 0 {
                (page.total, page.records) = (Some(0), vec![]);
            }
        });
        let read = glitch.read(true).await.unwrap();
        assert_eq!(read.certificate.attempts, 2);
        assert_whole(&glitch, &read);
    }
}

#[tokio::test]
async fn rows_met_in_a_reading_that_failed_stood_as_well() {
    // The closing total is 0, as is the next answer, once: nobody knew before that rows stood.
    let shelf = Shelf::new(35).twisted(|call, _, page| {
        if [4, 5].contains(&call) {
            (page.total, page.records) = (Some(0), vec![]);
        }
    });
    let read = shelf.read(false).await.unwrap();
    assert_eq!(read.certificate.attempts, 3);
    assert_whole(&shelf, &read);
}

#[tokio::test]
async fn an_empty_answer_in_every_second_reading_is_never_believed() {
    let shelf = Shelf::new(5).twisted(|call, _, page| {
        if call % 2 == 0 {
            (page.total, page.records) = (Some(0), vec![]);
        }
    });
    let (reason, _) = uncertified(shelf.read(true).await);
    assert!(reason.contains("no second one confirmed"), "{reason}");
}

#[tokio::test]
async fn two_records_of_one_key_need_a_second_equal_reading_and_are_counted() {
    let shelf = Shelf::new(35).twisted(|_, page_no, page| match page_no {
        1 => page.records[1] = Item { id: 0, quantity: 77 }.json(),
        2 => page.records[0] = page.records[0].replace("\"quantity\":10", "\"quantity\":\"many\""),
        _ => {}
    });
    let read = shelf.read(true).await.unwrap();
    let Certificate { distinct, refused, keys_with_two_records, attempts, .. } = read.certificate;
    assert_eq!((distinct, refused, keys_with_two_records, attempts), (35, 1, 1, 2));
    assert_eq!((read.refused.len(), found(&read).len()), (1, 34));
}

#[test]
fn the_endpoint_of_these_tests_counts_pages_from_one() {
    assert_eq!(endpoint().method().paging.first, 1);
}
