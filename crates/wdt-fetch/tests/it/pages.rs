//! The pages `fixtures/pages/<dataset>/sim-…`: what the simulator answers to the requests of this crate, at a fixed time
//! and from a fixed seed. Compared with the files; `cargo xtask fixtures` writes them instead.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use wdt_models::{Endpoint, Method, endpoints};

mod asked;
mod errors;
mod forms;

/// The one environment variable of the fixtures: `write` makes them again, anything else compares.
const MODE: &str = "WDT_ETL_FIXTURES";
/// What tells a page of the simulator from one that is kept by hand.
const PREFIX: &str = "sim-";

/// File name and bytes of an endpoint's pages.
type Pages = BTreeMap<String, Vec<u8>>;

/// Trips on a change of what the simulator answers, on a page changed by hand, on one that is missing and on one that
/// nobody makes any more.
#[tokio::test]
async fn pages_of_the_simulator_are_those_on_disk() {
    let mut differences = String::new();
    for endpoint in endpoints::ALL {
        let folder = folder(endpoint);
        let (made, kept) = (of_endpoint(endpoint).await, kept(&folder));
        if writes() {
            write(&folder, &made, &kept);
        } else {
            differences += &compare(endpoint, &made, &kept);
        }
    }
    assert!(differences.is_empty(), "\n{differences}`cargo xtask fixtures` writes them again; read the diff\n");
}

/// Trips on a page that depends on chance, time or on the pages made before it.
#[tokio::test]
async fn pages_are_the_same_when_made_again() {
    for endpoint in [endpoints::ALL[0], endpoints::ALL[2], endpoints::ALL[5]] {
        assert!(of_endpoint(endpoint).await == of_endpoint(endpoint).await, "{}", endpoint.dataset);
    }
}

async fn of_endpoint(endpoint: &'static Endpoint) -> Pages {
    let mut pages = Pages::new();
    for method in endpoint.methods {
        for (name, body) in forms::pages(endpoint, method).await {
            pages.insert(file(endpoint, method, &name, "json"), body);
        }
        pages.insert(file(endpoint, method, "errors", "ndjson"), errors::lines(endpoint, method).await);
    }
    pages
}

/// The first method's pages have no method in their name.
fn file(endpoint: &Endpoint, method: &Method, name: &str, ending: &str) -> String {
    let of = if method == endpoint.method() { String::new() } else { format!("@{}", method.name) };
    format!("{PREFIX}{name}{of}.{ending}")
}

fn folder(endpoint: &Endpoint) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/pages").join(endpoint.dataset)
}

fn kept(folder: &Path) -> Pages {
    let files = fs::read_dir(folder).unwrap().map(|file| file.unwrap());
    let named = files.map(|file| (file.file_name().into_string().unwrap(), file.path()));
    named.filter(|(name, _)| name.starts_with(PREFIX)).map(|(name, path)| (name, fs::read(path).unwrap())).collect()
}

fn write(folder: &Path, made: &Pages, kept: &Pages) {
    for name in kept.keys().filter(|name| !made.contains_key(*name)) {
        fs::remove_file(folder.join(name)).unwrap();
    }
    for (name, body) in made.iter().filter(|(name, body)| kept.get(*name) != Some(body)) {
        fs::write(folder.join(name), body).unwrap();
    }
}

fn compare(endpoint: &Endpoint, made: &Pages, kept: &Pages) -> String {
    let mut differences = String::new();
    for (name, body) in made {
        let what = match kept.get(name) {
            Some(there) if there == body => continue,
            Some(there) => difference(there, body),
            None => "is missing".to_owned(),
        };
        writeln!(differences, "fixtures/pages/{}/{name} {what}", endpoint.dataset).unwrap();
    }
    for name in kept.keys().filter(|name| !made.contains_key(*name)) {
        writeln!(differences, "fixtures/pages/{}/{name} is made by nobody", endpoint.dataset).unwrap();
    }
    differences
}

/// Where two pages part, and how each goes on.
fn difference(kept: &[u8], made: &[u8]) -> String {
    let at = kept.iter().zip(made).take_while(|(kept, made)| kept == made).count();
    let from = |page: &[u8]| String::from_utf8_lossy(&page[at..page.len().min(at + 40)]).into_owned();
    format!("differs at byte {at}: has {:?}, not {:?}", from(kept), from(made))
}

#[expect(clippy::disallowed_methods, reason = "whether to write is asked of the test, not of the program")]
fn writes() -> bool {
    std::env::var(MODE).is_ok_and(|mode| mode == "write")
}
