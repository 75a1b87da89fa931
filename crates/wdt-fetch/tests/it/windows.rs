//! Many windows: in order, side by side, within bounds.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::StreamExt;
use wdt_fetch::{ReadOptions, WindowError, read_windows};
use wdt_models::Window;
use wdt_models::time::Seconds;

use crate::moving::{Moving, START, assert_nothing_missing};

const HOUR: i64 = 3600;

fn hour(number: i64) -> Window {
    Window::new(Seconds(START + number * HOUR - i64::from(number > 0)), Seconds(START + (number + 1) * HOUR))
}

fn source(rows: i64, hours: i64, seed: u64) -> Moving {
    Moving::spread(rows, Window::new(Seconds(START), Seconds(START + hours * HOUR)), seed)
}

/// Lets every task go as far as it can.
async fn settle() {
    for _ in 0..500 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn parts_come_in_window_order_and_nothing_is_missing() {
    for seed in 0..20 {
        let source = Arc::new(Moving { edits: 10, ..source(400, 10, seed) });
        let options = ReadOptions { max_pages: 3, ..ReadOptions::default() };
        let parts = read_windows(Arc::clone(&source), (0..10).map(hour), options);
        let parts: Vec<_> = parts.map(Result::unwrap).collect().await;
        assert!(parts.windows(2).all(|pair| pair[1].window.start == pair[0].window.end - 1), "seed {seed}");
        assert_eq!(parts[parts.len() - 1].window.end, Seconds(START + 10 * HOUR));
        assert_nothing_missing(&source, Window::new(Seconds(START), Seconds(START + 10 * HOUR)), &parts);
    }
}

#[tokio::test]
async fn windows_are_taken_as_there_is_room_and_dense_ones_wait_for_their_turn() {
    let source = Arc::new(source(600, 20, 1));
    let taken = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&taken);
    let windows = (0..20).map(hour).inspect(move |_| _ = counter.fetch_add(1, Ordering::Relaxed));
    let options = ReadOptions { concurrency: 4, ..ReadOptions::default() };
    let mut parts = read_windows(Arc::clone(&source), windows, options);
    assert_eq!(taken.load(Ordering::Relaxed), 0, "nothing is read before it is asked for");

    parts.next().await.unwrap().unwrap();
    settle().await;
    assert_eq!(taken.load(Ordering::Relaxed), 4);
    let asked = source.asked();
    let deepest = |number| asked.iter().filter(|asked| asked.window == hour(number)).map(|asked| asked.page).max();
    assert!(deepest(1).min(deepest(2)) > Some(0), "the next two windows are read while the first is consumed");
    assert_eq!(deepest(3), Some(0), "a window further ahead holds one page");

    let rest: Vec<_> = parts.map(Result::unwrap).collect().await;
    assert_eq!(rest.len(), 19);
}

/// Tasks started together may run in any order, and the last one first.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn the_first_window_begins_alone() {
    let taken = Arc::new(AtomicUsize::new(0));
    let (counter, seen) = (Arc::clone(&taken), Arc::new(AtomicUsize::new(0)));
    let at_first_call = Arc::clone(&seen);
    let source = source(60, 6, 5).twisted(move |call, _, _, _| {
        if call == 0 {
            at_first_call.store(taken.load(Ordering::Relaxed), Ordering::Relaxed);
        }
    });
    let source = Arc::new(source);
    let windows = (0..6).map(hour).inspect(move |_| _ = counter.fetch_add(1, Ordering::Relaxed));
    let parts = read_windows(Arc::clone(&source), windows, ReadOptions::default());
    assert_eq!(parts.map(Result::unwrap).count().await, 6);
    assert_eq!((source.asked()[0].window, seen.load(Ordering::Relaxed)), (hour(0), 1));
}

#[tokio::test]
async fn the_first_error_ends_the_stream_after_the_parts_before_it() {
    let source = source(200, 6, 2).twisted(|_, asked, _, page| {
        if asked.window.start >= hour(3).start && asked.window.end <= hour(3).end {
            page.total += 1;
        }
    });
    let parts = read_windows(Arc::new(source), (0..6).map(hour), ReadOptions::default());
    let parts: Vec<_> = parts.collect().await;
    assert_eq!(parts.len(), 4);
    assert!(parts[..3].iter().all(Result::is_ok));
    assert!(matches!(parts[3], Err(WindowError::Uncertified { .. })), "{:?}", parts[3]);
}

#[tokio::test]
async fn dropping_the_stream_ends_the_reading() {
    // The first three calls are answered; then the tasks wait for answers that never come.
    let source = Arc::new(Moving { answers: 3, ..source(30, 6, 3) });
    let mut parts = read_windows(Arc::clone(&source), (0..6).map(hour), ReadOptions::default());
    parts.next().await.unwrap().unwrap();
    settle().await;
    assert!(source.asked().len() > 3 && Arc::strong_count(&source) > 2);
    drop(parts);
    settle().await;
    assert_eq!(Arc::strong_count(&source), 1, "no task holds the source any more");
}

#[tokio::test]
#[should_panic(expected = "a fault of the source")]
async fn a_task_that_panics_does_not_pass_for_a_window_without_rows() {
    let source = source(50, 1, 4).twisted(|_, _, _, _| panic!("a fault of the source"));
    read_windows(Arc::new(source), (0..1).map(hour), ReadOptions::default()).next().await;
}
