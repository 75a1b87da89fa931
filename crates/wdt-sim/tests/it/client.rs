//! A client that signs, sends and reads, and can do each of it wrongly on request.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use serde_json::Value;
use wdt_models::time::Seconds;
use wdt_models::{Endpoint, Gateway, endpoints, time::format_wall_time};
use wdt_sign::{enterprise, flagship, top};
use wdt_sim::{Account, Sim, SimConfig};

use crate::{CAINIAO, GOODS, NOW, SEED};

/// Name and value of each parameter.
pub(crate) type Params = Vec<(String, String)>;

/// A running simulator, its clock, and a caller.
pub(crate) struct Client {
    pub(crate) sim: Sim,
    pub(crate) clock: Arc<AtomicI64>,
    pub(crate) account: Account,
    pub(crate) http: reqwest::Client,
}

/// The configuration tests start from, with a clock they can move.
pub(crate) fn config() -> (SimConfig, Arc<AtomicI64>) {
    let clock = Arc::new(AtomicI64::new(NOW));
    let reading = Arc::clone(&clock);
    let mut config = SimConfig::new(Arc::new(move || reading.load(Ordering::SeqCst)));
    config.seed = SEED;
    (config, clock)
}

/// Starts a simulator with some settings changed.
pub(crate) fn start(change: impl FnOnce(&mut SimConfig)) -> Client {
    let (mut config, clock) = config();
    change(&mut config);
    let account = config.accounts[0].clone();
    let sim = Sim::start(config).unwrap();
    let http = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    Client { sim, clock, account, http }
}

/// Names and values as a request wants them.
pub(crate) fn owned(params: &[(&str, &str)]) -> Params {
    params.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// The parameters of a window in epoch seconds.
pub(crate) fn window(start: i64, end: i64) -> Params {
    owned(&[("start_time", &format_wall_time(Seconds(start))), ("end_time", &format_wall_time(Seconds(end)))])
}

/// The longest window up to now: every generated row.
pub(crate) fn everything() -> Params {
    window(NOW - 30 * 86_400, NOW)
}

/// A page of a window.
pub(crate) fn page(mut params: Params, page_no: usize, page_size: usize) -> Params {
    params.extend(owned(&[("page_no", &page_no.to_string()), ("page_size", &page_size.to_string())]));
    params
}

impl Client {
    /// System and business parameters, not yet signed.
    pub(crate) fn unsigned(&self, business: Params) -> Params {
        let timestamp = self.clock.load(Ordering::SeqCst).to_string();
        let mut params = business;
        params.extend(owned(&[
            ("sid", &self.account.sid),
            ("appkey", &self.account.app_key),
            ("timestamp", &timestamp),
        ]));
        params
    }

    /// Signs what is there.
    pub(crate) fn sign(&self, mut params: Params) -> Params {
        let sign = enterprise::sign(&enterprise::string_to_sign(&params), &self.account.secret);
        params.push(("sign".to_owned(), sign));
        params
    }

    /// Posts a form as it is.
    pub(crate) async fn post(&self, method: &str, params: &Params) -> reqwest::Result<reqwest::Response> {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(params).finish();
        let request = self.http.post(format!("{}/{method}", self.sim.base_url(Gateway::Enterprise)));
        request.header("content-type", "application/x-www-form-urlencoded").body(body).send().await
    }

    /// Signs, posts and takes the answer's bytes.
    pub(crate) async fn bytes(&self, method: &str, business: Params) -> Vec<u8> {
        let params = self.sign(self.unsigned(business));
        self.post(method, &params).await.unwrap().bytes().await.unwrap().to_vec()
    }

    /// Signs, posts and reads the answer as JSON.
    pub(crate) async fn json(&self, method: &str, business: Params) -> Value {
        serde_json::from_slice(&self.bytes(method, business).await).unwrap()
    }

    /// Posts a form as it is and gives the code and message answered.
    pub(crate) async fn refusal(&self, method: &str, params: &Params) -> (i64, String) {
        let response = self.post(method, params).await.unwrap();
        assert_eq!(response.status(), 200, "business errors come with status 200");
        let answer: Value = serde_json::from_slice(&response.bytes().await.unwrap()).unwrap();
        (answer["code"].as_i64().unwrap(), answer["message"].as_str().unwrap_or_default().to_owned())
    }

    /// The code of a signed call with these business parameters.
    pub(crate) async fn code(&self, method: &str, business: Params) -> i64 {
        self.refusal(method, &self.sign(self.unsigned(business))).await.0
    }
}

impl Client {
    /// The query of a call on flagship, not yet signed; `pager` is size, number and whether the total is asked for.
    pub(crate) fn flagship(&self, method: &str, pager: Option<(u32, u32, u32)>) -> Params {
        let account = Account::example(Gateway::Flagship);
        let split = flagship::split_secret(&account.secret).unwrap();
        let timestamp = flagship::timestamp(self.clock.load(Ordering::SeqCst)).to_string();
        let mut params = owned(&[
            ("sid", &account.sid),
            ("key", &account.app_key),
            ("salt", split.salt.expose()),
            ("method", method),
            ("v", "1.0"),
            ("timestamp", &timestamp),
        ]);
        if let Some((size, number, total)) = pager {
            let [size, number, total] = [size, number, total].map(|number| number.to_string());
            params.extend(owned(&[("page_size", &size), ("page_no", &number), ("calc_total", &total)]));
        }
        params
    }

    /// Signs a query and a body with the example account's secret and posts them.
    pub(crate) async fn post_flagship(&self, mut params: Params, body: &str) -> reqwest::Response {
        let split = flagship::split_secret(&Account::example(Gateway::Flagship).secret).unwrap();
        let sign = flagship::sign(&flagship::string_to_sign(&params, body), &split.secret);
        params.push(("sign".to_owned(), sign));
        self.send_flagship(&params, body).await
    }

    /// Posts a query and a body as they are.
    pub(crate) async fn send_flagship(&self, params: &Params, body: &str) -> reqwest::Response {
        let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(params).finish();
        let request = self.http.post(format!("{}?{query}", self.sim.base_url(Gateway::Flagship)));
        request.header("content-type", "application/json").body(body.to_owned()).send().await.unwrap()
    }

    /// The answer to a page of a method on flagship.
    pub(crate) async fn ask(&self, method: &str, pager: (u32, u32, u32), named: &Value) -> Value {
        self.ask_with(self.flagship(method, Some(pager)), &serde_json::json!([named])).await
    }

    /// The answer to a query and arguments on flagship.
    pub(crate) async fn ask_with(&self, params: Params, arguments: &Value) -> Value {
        let response = self.post_flagship(params, &arguments.to_string()).await;
        assert_eq!(response.status(), 200, "business errors come with status 200");
        serde_json::from_slice(&response.bytes().await.unwrap()).unwrap()
    }

    /// A call on top, not yet signed.
    pub(crate) fn top(&self, business: &[(&str, &str)]) -> Params {
        let account = Account::example(Gateway::Top);
        let mut params = owned(&[
            ("method", CAINIAO),
            ("app_key", &account.app_key),
            ("session", account.session.as_ref().unwrap().expose()),
            ("timestamp", &format_wall_time(Seconds(self.clock.load(Ordering::SeqCst)))),
            ("format", "json"),
            ("v", "2.0"),
            ("sign_method", "hmac-sha256"),
        ]);
        params.extend(owned(business));
        params
    }

    /// Signs a call on top in the way it names and posts it.
    pub(crate) async fn post_top(&self, mut params: Params) -> reqwest::Response {
        let name = params.iter().find(|(name, _)| name == "sign_method").map(|(_, value)| value.as_str());
        let method = name.and_then(top::SignMethod::from_name).unwrap_or_default();
        let sign = top::sign(&top::string_to_sign(&params), &Account::example(Gateway::Top).secret, method);
        params.push(("sign".to_owned(), sign));
        self.send_top(&params).await
    }

    /// Posts a form to top as it is.
    pub(crate) async fn send_top(&self, params: &Params) -> reqwest::Response {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(params).finish();
        let request = self.http.post(self.sim.base_url(Gateway::Top));
        let response = request.header("content-type", "application/x-www-form-urlencoded;charset=UTF-8").body(body);
        let response = response.send().await.unwrap();
        assert_eq!(response.status(), 200, "business errors come with status 200");
        response
    }

    /// The answer to a call on top.
    pub(crate) async fn slice(&self, business: &[(&str, &str)]) -> Value {
        let response = self.post_top(self.top(business)).await;
        serde_json::from_slice(&response.bytes().await.unwrap()).unwrap()
    }
}

/// The endpoint of a method.
pub(crate) fn endpoint(method: &str) -> &'static Endpoint {
    if method == GOODS { &endpoints::ENTERPRISE_GOODS } else { &endpoints::ENTERPRISE_STOCK }
}

/// The records of an answer.
pub(crate) fn records(method: &str, answer: &Value) -> Vec<Value> {
    answer[endpoint(method).method().shape.records[0][0]].as_array().cloned().unwrap_or_default()
}

/// Key of a record as numbers.
pub(crate) fn key(method: &str, record: &Value) -> Vec<i64> {
    endpoint(method).key.iter().map(|name| record[*name].as_str().unwrap().parse().unwrap()).collect()
}

/// The number in `total_count`, however written.
pub(crate) fn total(answer: &Value) -> u64 {
    let total = &answer["total_count"];
    total.as_u64().or_else(|| total.as_str()?.parse().ok()).expect("a total")
}
