//! Decode of a 100-row stock page, envelope included: bytes of the answer a second, on one core.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a benchmark")]

#[path = "../tests/it/random.rs"]
mod random;

use std::fmt::Write;
use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use wdt_models::decode::{Asked, decode};
use wdt_models::endpoints::ENTERPRISE_STOCK;
use wdt_models::{Field, Kind, envelope};

use random::Random;

const ROWS: u64 = 100;
const SEED: u64 = 20_190_518;

fn page(criterion: &mut Criterion) {
    let body = answer();
    let mut group = criterion.benchmark_group("stock page of 100 rows");
    group.throughput(Throughput::Bytes(body.len() as u64));
    group.bench_function("envelope", |bencher| {
        bencher.iter(|| envelope::read(&ENTERPRISE_STOCK, ENTERPRISE_STOCK.method(), black_box(&body)).unwrap());
    });
    group.bench_function("envelope and decode", |bencher| {
        bencher.iter(|| {
            let answer = envelope::read(&ENTERPRISE_STOCK, ENTERPRISE_STOCK.method(), black_box(&body)).unwrap();
            let decoded = decode(&ENTERPRISE_STOCK, &answer.records, &Asked::page(0, false));
            assert_eq!(decoded.batch.num_rows(), answer.records.len());
            decoded
        });
    });
    group.finish();
}

/// An answer as the platform writes it: every number as text, non-ASCII escaped.
fn answer() -> Vec<u8> {
    let mut random = Random(SEED);
    let rows: Vec<String> = (0..ROWS).map(|_| record(ENTERPRISE_STOCK.fields, &mut random)).collect();
    format!(r#"{{"code":0,"message":"","stocks":[{}],"total_count":"{ROWS}"}}"#, rows.join(",")).into_bytes()
}

fn record(fields: &[Field], random: &mut Random) -> String {
    let mut json = String::from("{");
    for field in fields {
        let comma = if json.len() > 1 { "," } else { "" };
        write!(json, r#"{comma}"{}":{}"#, field.name, value(field, random)).unwrap();
    }
    json + "}"
}

fn value(field: &Field, random: &mut Random) -> String {
    match field.kind {
        Kind::Int => format!(r#""{}""#, random.below(100_000)),
        Kind::Decimal => format!(r#""{}.{:04}""#, random.below(10_000), random.below(10_000)),
        Kind::Timestamp if !field.required && random.below(5) == 0 => r#""0000-00-00 00:00:00""#.to_owned(),
        Kind::Timestamp => format!(r#""2019-05-{:02} 18:02:{:02}""#, 1 + random.below(28), random.below(60)),
        Kind::Boolean => random.below(2).to_string(),
        Kind::Text if random.below(4) == 0 => r#""\u65fa\u5e97\u901a\u624b\u6301\u7ec8\u7aef""#.to_owned(),
        Kind::Text => format!(r#""WDTPDA-BLACK{:03}""#, random.below(1_000)),
        Kind::List(fields) => format!("[{},{}]", record(fields, random), record(fields, random)),
    }
}

criterion_group!(benches, page);
criterion_main!(benches);
