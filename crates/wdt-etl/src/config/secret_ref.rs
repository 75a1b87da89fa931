//! `{ env = "NAME" }` and `{ file = "PATH" }`: the only two ways a secret gets in.
//!
//! The value may be the secret itself, put in the wrong place, so nothing is repeated that could be one. Where no
//! call follows, the reference is checked and not followed.

use std::io;

use wdt_sign::Secret;

use super::context::Context;
use super::fault::{Faults, Location};
use super::value::{Keys, Section, Setting};
use crate::words::could_be_secret;

const KEYS: Keys<'static> = Keys { known: &["env", "file"], refused: &[] };
const HINT: &str = "write { env = \"NAME\" } or { file = \"PATH\" }";
/// Stands for a secret that is not read; of the form of each gateway's, and right for none.
const UNREAD: &str = "unread:unread";
/// No platform's secret and no proxy's address is longer; a bigger file is the wrong one.
const LONGEST: usize = 4_096;

/// The secret that `value` refers to; `owner` says whose it is, as in `account "main"`.
pub(super) fn read(value: &Setting<'_>, owner: &str, from: &Context<'_>, faults: &mut Faults<'_>) -> Option<Secret> {
    if !value.is_table() {
        faults.push(&value.place, "a secret must not be written in this file", Some(HINT.to_owned()));
        return None;
    }
    let section = value.section(&KEYS, faults)?;
    match (section.get("env"), section.get("file")) {
        (Some(name), None) => from_variable(&name, owner, from, faults),
        (None, Some(path)) => from_file(&path, owner, from, faults),
        (Some(_), Some(_)) => refuse(&section, "names both a variable and a file", faults),
        // A misspelt key has been noted already.
        (None, None) if !section.entries().is_empty() => None,
        (None, None) => refuse(&section, "names neither a variable nor a file", faults),
    }
}

fn from_variable(name: &Setting<'_>, owner: &str, from: &Context<'_>, faults: &mut Faults<'_>) -> Option<Secret> {
    let variable = name.text(faults)?;
    if !is_variable_name(variable) {
        let hint = "use letters, digits and `_`; put the secret itself in the variable";
        faults.push(&name.place, "is not the name of a variable", Some(hint.to_owned()));
        return None;
    }
    if !from.secrets {
        return Some(Secret::new(UNREAD));
    }
    let Some(secret) = from.variables.get(variable) else {
        let hint = format!("set {variable}, or put it in a file given with --env-file");
        faults.push(&name.place, format!("variable {variable} is not set, for {owner}"), Some(hint));
        return None;
    };
    checked(secret, &format!("variable {variable}"), owner, &name.place, faults)
}

fn from_file(path: &Setting<'_>, owner: &str, from: &Context<'_>, faults: &mut Faults<'_>) -> Option<Secret> {
    let text = path.text(faults)?;
    if !from.secrets {
        return Some(Secret::new(UNREAD));
    }
    let shown = if could_be_secret(text) { "***".to_owned() } else { from.folder.join(text).display().to_string() };
    match std::fs::read_to_string(from.folder.join(text)) {
        Ok(content) => checked(without_newline(&content), &format!("file {shown}"), owner, &path.place, faults),
        Err(error) => {
            let reason = match error.kind() {
                io::ErrorKind::NotFound => "does not exist".to_owned(),
                io::ErrorKind::InvalidData => "is not UTF-8 text".to_owned(),
                _ => format!("cannot be read ({error})"),
            };
            let hint = "a relative path starts at the folder of this configuration".to_owned();
            faults.push(&path.place, format!("file {shown} {reason}, for {owner}"), Some(hint));
            None
        }
    }
}

/// Refuses what no platform issues and an editor or a shell easily adds.
fn checked(secret: &str, source: &str, owner: &str, place: &Location, faults: &mut Faults<'_>) -> Option<Secret> {
    let fault = if secret.is_empty() {
        "is empty"
    } else if secret.len() > LONGEST {
        "is too long for a secret"
    } else if secret.contains(|c: char| c.is_whitespace() || c.is_control()) {
        "contains white space or a line break"
    } else {
        return Some(Secret::new(secret));
    };
    let hint = "it must contain the secret and nothing else".to_owned();
    faults.push(place, format!("{source} {fault}, for {owner}"), Some(hint));
    None
}

/// One newline at the end is the editor's, not the secret's.
fn without_newline(content: &str) -> &str {
    content.strip_suffix("\r\n").or_else(|| content.strip_suffix('\n')).unwrap_or(content)
}

fn is_variable_name(text: &str) -> bool {
    let word = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    word && !text.starts_with(|c: char| c.is_ascii_digit()) && !could_be_secret(text)
}

fn refuse(section: &Section<'_>, message: &str, faults: &mut Faults<'_>) -> Option<Secret> {
    faults.push(&section.place, message, Some(HINT.to_owned()));
    None
}
