//! Case folders: one request with every intermediate of its signature.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;
use wdt_sign::top::SignMethod;
use wdt_sign::{Secret, SignError, enterprise, flagship, top};

/// The three schemes, as the folders are named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Scheme {
    Enterprise,
    Flagship,
    Top,
}

/// `request.json`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Request {
    pub(crate) scheme: Scheme,
    pub(crate) origin: String,
    secret: String,
    sign_method: Option<String>,
    parameters: BTreeMap<String, Value>,
    body: Option<String>,
    pub(crate) refused: Option<String>,
    #[serde(default)]
    pub(crate) alternates: BTreeMap<String, Alternate>,
}

/// What others compute.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Alternate {
    pub(crate) string_to_sign: String,
    pub(crate) sign: String,
    pub(crate) implementations: u32,
}

/// One case folder.
#[derive(Debug)]
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) request: Request,
    pub(crate) string_to_sign: String,
    pub(crate) signed_text: String,
    pub(crate) sign: String,
}

impl Case {
    /// Every case of a scheme, by name.
    pub(crate) fn all(scheme: &str) -> Vec<Self> {
        let mut folders: Vec<PathBuf> =
            fs::read_dir(folder().join(scheme)).unwrap().map(|entry| entry.unwrap().path()).collect();
        folders.sort();
        folders.iter().map(|path| Self::read(path)).collect()
    }

    fn read(path: &Path) -> Self {
        let text = |file: &str| {
            fs::read_to_string(path.join(file)).unwrap_or_else(|error| panic!("{}/{file}: {error}", path.display()))
        };
        Self {
            name: path.file_name().unwrap().to_str().unwrap().to_owned(),
            request: serde_json::from_str(&text("request.json"))
                .unwrap_or_else(|error| panic!("{}: {error}", path.display())),
            string_to_sign: text("string-to-sign.txt"),
            signed_text: text("signed-text.txt"),
            sign: text("sign.txt"),
        }
    }
}

impl Request {
    /// The parameters as text; numbers in their plain decimal form.
    pub(crate) fn params(&self) -> Vec<(String, String)> {
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        self.parameters.iter().map(|(name, value)| (name.clone(), text(value))).collect()
    }

    /// The secret as a merchant is given it.
    pub(crate) fn app_secret(&self) -> Secret {
        Secret::new(self.secret.as_str())
    }

    /// What `sign` needs: of the flagship's app secret the left half.
    pub(crate) fn secret(&self) -> Secret {
        match self.scheme {
            Scheme::Flagship => flagship::split_secret(&self.app_secret()).unwrap().secret,
            Scheme::Enterprise | Scheme::Top => self.app_secret(),
        }
    }

    pub(crate) fn method(&self) -> SignMethod {
        self.sign_method.as_deref().map_or(SignMethod::Md5, |name| SignMethod::from_name(name).unwrap())
    }

    pub(crate) fn check(&self) -> Result<(), SignError> {
        let params = self.params();
        match self.scheme {
            Scheme::Enterprise => enterprise::check(&params),
            Scheme::Flagship => flagship::check(&params),
            Scheme::Top => top::check(&params),
        }
    }

    pub(crate) fn string_to_sign(&self, params: &[(String, String)]) -> String {
        match self.scheme {
            Scheme::Enterprise => enterprise::string_to_sign(params),
            Scheme::Flagship => flagship::string_to_sign(params, self.body.as_deref().unwrap()),
            Scheme::Top => top::string_to_sign(params),
        }
    }

    pub(crate) fn sign(&self, string_to_sign: &str) -> String {
        match self.scheme {
            Scheme::Enterprise => enterprise::sign(string_to_sign, &self.secret()),
            Scheme::Flagship => flagship::sign(string_to_sign, &self.secret()),
            Scheme::Top => top::sign(string_to_sign, &self.secret(), self.method()),
        }
    }
}

/// Where the case folders and their catalogue are.
pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/sign")
}
