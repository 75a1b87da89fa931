//! The keys of an account that its gateway decides about: what it proves itself with.

use wdt_fetch::{AccountKeys, CredentialFault, Credentials};
use wdt_models::Gateway;
use wdt_sign::Secret;

use super::context::Context;
use super::fault::{Faults, Location};
use super::secret_ref;
use super::sendable::plain_text;
use super::value::{Section, Setting};

const HANDED_OUT: &str = "the platform issues it with the application";

/// A fault was noted.
struct Noted;

/// An account's section on the way to its credentials.
pub(super) struct AccountSection<'r, 'a> {
    pub(super) section: &'r Section<'a>,
    /// `None` only beside a fault.
    pub(super) gateway: Option<Gateway>,
    /// Whose credentials they are, as in "account `main`".
    pub(super) owner: &'r str,
    pub(super) from: &'r Context<'r>,
}

/// Keys of an account that the gateway asks for beside those of every account; of any gateway where it is not known.
pub(super) fn keys(gateway: Option<Gateway>) -> Vec<&'static str> {
    let mut keys = Vec::new();
    for gateway in Gateway::ALL.iter().filter(|own| gateway.is_none_or(|gateway| gateway == **own)) {
        let facts = gateway.facts();
        let more = facts.required_keys.iter().chain(facts.optional_keys);
        keys.extend(more.filter(|key| !keys.contains(*key)).copied().collect::<Vec<_>>());
    }
    keys
}

/// The keys of other gateways, each with the reason why it is refused here.
pub(super) fn foreign(gateway: Option<Gateway>) -> Vec<(&'static str, String)> {
    let own = keys(gateway);
    let others = keys(None).into_iter().filter(|key| !own.contains(key));
    let reason = |key: &'static str| {
        let owners = Gateway::ALL.iter().filter(|gateway| keys(Some(**gateway)).contains(&key));
        let owners: Vec<_> = owners.map(|gateway| gateway.name()).collect();
        (key, format!("belongs to gateway {}", owners.join(" or ")))
    };
    others.map(reason).collect()
}

impl AccountSection<'_, '_> {
    /// The public key and the credentials, faults or not.
    pub(super) fn read(&self, faults: &mut Faults<'_>) -> (Option<String>, Option<Credentials>) {
        let app_key = self.section.required("app_key", HANDED_OUT, faults);
        let app_key = app_key.and_then(|value| plain_text(&value, faults));
        let app_secret = self.section.required("app_secret", "write app_secret = { env = \"NAME\" }", faults);
        let app_secret = app_secret.and_then(|value| self.secret(&value, faults));
        let sid = self.part("sid", HANDED_OUT, plain_text, faults);
        let session = "write session = { env = \"NAME\" }";
        let session = self.part("session", session, |value, faults| self.secret(value, faults), faults);
        let sign_method = self.part("sign_method", "", plain_text, faults);
        let keys = || {
            let app_secret = Some(app_secret?);
            let (sid, session, sign_method) = (sid.ok()?, session.ok()?, sign_method.ok()?);
            Some(AccountKeys { sid, app_key: app_key.clone()?, app_secret, session, sign_method })
        };
        let credentials = keys().and_then(|keys| self.credentials(keys, faults));
        (app_key, credentials)
    }

    /// A key that some gateways have, if it is given.
    fn part<T>(
        &self,
        key: &str,
        hint: &str,
        read: impl FnOnce(&Setting<'_>, &mut Faults<'_>) -> Option<T>,
        faults: &mut Faults<'_>,
    ) -> Result<Option<T>, Noted> {
        if !keys(self.gateway).contains(&key) {
            return Ok(None);
        }
        if let Some(value) = self.section.get(key) {
            return read(&value, faults).map(Some).ok_or(Noted);
        }
        match self.gateway.filter(|gateway| gateway.facts().required_keys.contains(&key)) {
            None => Ok(None),
            Some(gateway) => {
                let message = format!("is missing, for {}: gateway {gateway} needs it", self.owner);
                faults.push(&self.place(key), message, Some(hint.to_owned()));
                Err(Noted)
            }
        }
    }

    fn credentials(&self, keys: AccountKeys, faults: &mut Faults<'_>) -> Option<Credentials> {
        match Credentials::new(self.gateway?, keys) {
            Ok(credentials) => Some(credentials),
            Err(fault) => {
                let (reason, hint) = explained(&fault);
                faults.push(&self.place(fault.key()), format!("{reason}, for {}", self.owner), Some(hint));
                None
            }
        }
    }

    fn secret(&self, value: &Setting<'_>, faults: &mut Faults<'_>) -> Option<Secret> {
        secret_ref::read(value, self.owner, self.from, faults)
    }

    fn place(&self, key: &str) -> Location {
        self.section.get(key).map_or_else(|| self.section.place.key(key, None), |value| value.place)
    }
}

/// What is wrong with a key, and what to write in its place.
fn explained(fault: &CredentialFault) -> (String, String) {
    match fault {
        CredentialFault::SecretForm { error } => {
            (error.to_string(), "copy it whole, as secret:salt, from the platform's page".to_owned())
        }
        CredentialFault::SignMethod => {
            ("is not one that the platform knows".to_owned(), "write \"hmac-sha256\", \"hmac\" or \"md5\"".to_owned())
        }
        CredentialFault::Missing { key, gateway } => {
            (format!("is missing; gateway {gateway} needs it"), format!("write {key} as the platform hands it out"))
        }
        other => (other.to_string(), "write it as the platform hands it out".to_owned()),
    }
}
