//! Any bytes as an answer to any call: no panic, no record that is not an object of the answer, and none of half an
//! answer.

#![no_main]

use libfuzzer_sys::fuzz_target;
use wdt_models::envelope::{self, Answer};

fuzz_target!(|input: &[u8]| {
    let (calls, body) = wdt_fuzz::calls(input);
    let repaired = envelope::repaired(body);
    for (endpoint, method) in calls {
        for body in [Some(body), repaired.as_deref()].into_iter().flatten() {
            if let Ok(answer) = envelope::read(endpoint, method, body) {
                check(&answer, body);
                let cut = body.trim_ascii_end();
                let cut = envelope::read(endpoint, method, &cut[..cut.len() - 1]);
                assert!(cut.is_err(), "an answer without its last character is read");
            }
        }
    }
});

fn check(answer: &Answer<'_>, body: &[u8]) {
    let body = std::str::from_utf8(body).expect("an answer that is read is text");
    let (from, to) = (body.as_ptr() as usize, body.as_ptr() as usize + body.len());
    for record in &answer.records {
        assert!(record.get().starts_with('{') && record.get().ends_with('}'));
    }
    for text in answer.records.iter().chain(&answer.refused).map(|record| record.get()) {
        let at = text.as_ptr() as usize;
        assert!(from <= at && at + text.len() <= to, "a record that does not stand in the answer");
    }
}
