//! A call as the gateway sees it, and what it asks for.

use wdt_models::{Endpoint, Gateway, Method, endpoints};

use crate::{params::Params, row::Selection, spelling::Spelling};

/// A call as it arrived.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) gateway: Gateway,
    /// The name of the method, known or not.
    pub(crate) method: String,
    /// What that method is, where it is one.
    pub(crate) found: Option<(&'static Endpoint, &'static Method)>,
    pub(crate) params: Params,
    /// The body's text, where parameters do not travel in it.
    pub(crate) body: String,
}

/// What a call asks for.
#[derive(Debug)]
pub(crate) struct Query {
    pub(crate) what: What,
    pub(crate) spelling: Spelling,
    /// A flatter answer, which one gateway knows.
    pub(crate) simplify: bool,
}

/// The records asked for.
#[derive(Debug)]
pub(crate) enum What {
    /// A page of a selection.
    Page {
        selection: Selection,
        /// Counted from 0, however the gateway counts.
        page_no: u32,
        page_size: u32,
        /// Whether the total counts.
        counted: bool,
    },
    /// Rows by id, each with whether it is wanted even when it is stopped.
    Ids(Vec<(i64, bool)>),
}

impl Request {
    pub(crate) fn new(gateway: Gateway, method: &str, params: Params, body: String) -> Self {
        let served = endpoints::ALL.iter().copied().filter(|endpoint| endpoint.gateway == gateway);
        let found = served.into_iter().find_map(|endpoint| Some((endpoint, endpoint.method_named(method)?)));
        Self { gateway, method: method.to_owned(), found, params, body }
    }
}
