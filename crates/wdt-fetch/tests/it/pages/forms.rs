//! One page for each form that an answer of a method can take.

use wdt_models::{Endpoint, Gateway, Method, SyncMode, endpoints};
use wdt_sign::top;
use wdt_sim::form::{CodeForm, Comma, EmptyForm, Escapes, Forms, IdsForm, LaterTotal, ListForm, NumberForm, TotalForm};
use wdt_sim::{Account, Fault, SimConfig};

use super::asked::{Ask, Asked, config};

/// Name and bytes of a page.
type Page = (String, Vec<u8>);

/// A form, and which pages show it.
struct Form {
    name: &'static str,
    ask: Ask,
    set: fn(&mut SimConfig),
    fault: Option<Fault>,
    /// The whole answer is changed alike whatever the method: the gateway's first method shows it.
    of_gateway: bool,
}

/// Every page of a method; the simulator's form that changes nothing about its answers has none.
pub(super) async fn pages(endpoint: &'static Endpoint, method: &'static Method) -> Vec<Page> {
    let mut pages: Vec<Page> = Vec::new();
    let has_pages = !matches!(endpoint.sync, SyncMode::Ids(_));
    for form in forms() {
        let is_first = first_of_gateway(endpoint) && method == endpoint.method();
        if (form.of_gateway && !is_first) || (!has_pages && matches!(form.ask, Ask::Later(_))) {
            continue;
        }
        let mut config = config();
        (form.set)(&mut config);
        let mut asked = Asked::new(endpoint, method, form.ask, config);
        if let Some(fault) = form.fault {
            asked = asked.failing(fault);
        }
        push(&mut pages, form.name, asked.answer().await);
    }
    for (name, body) in asked_otherwise(endpoint, method).await {
        push(&mut pages, name, body);
    }
    pages
}

/// Pages that differ by what the request says.
async fn asked_otherwise(endpoint: &'static Endpoint, method: &'static Method) -> Vec<(&'static str, Vec<u8>)> {
    let mut pages = Vec::new();
    let page = || Asked::new(endpoint, method, Ask::First(1), config());
    if endpoint.params.iter().any(|param| param.name == "mask") {
        pages.push(("asked-columns", page().with("mask", 3).with("need_alarm_info", 1).answer().await));
    }
    if endpoint.gateway == Gateway::Top {
        let nothing = || Asked::new(endpoint, method, Ask::First(1), nothing());
        pages.push(("simplify", page().with("simplify", true).answer().await));
        pages.push(("simplify-empty", nothing().with("simplify", true).answer().await));
        pages.push(("xml", page().answer_to(as_xml).await));
        pages.push(("xml-empty", nothing().answer_to(as_xml).await));
    }
    pages
}

fn push(pages: &mut Vec<Page>, name: &str, body: Vec<u8>) {
    if pages.iter().all(|(_, other)| *other != body) {
        pages.push((name.to_owned(), body));
    }
}

fn forms() -> Vec<Form> {
    use Ask::{First, Later};
    let empty = |name, set| of_method(name, First(1), set);
    let gateway = |name, set| Form { of_gateway: true, ..of_method(name, First(1), set) };
    let faulty = |name, ask, fault| Form { fault: Some(fault), ..of_method(name, ask, plain) };
    let broken = |name, fault| Form { of_gateway: true, ..faulty(name, First(1), fault) };
    vec![
        of_method("page", First(2), plain),
        of_method("page-of-one", First(1), plain),
        of_method("page-later", Later(1), plain),
        of_method("total-later-null", Later(1), |config| config.forms.later_total = LaterTotal::Null),
        of_method("total-later-zero", Later(1), |config| config.forms.later_total = LaterTotal::Zero),
        of_method("total-later-right", Later(1), |config| config.forms.later_total = LaterTotal::Right),
        of_method("total-number", First(1), |config| config.forms.total = TotalForm::Number),
        faulty("total-text", First(1), Fault::TextTotal),
        faulty("total-missing", First(1), Fault::NoTotal),
        faulty("total-wrong", First(1), Fault::LyingTotal(1)),
        empty("empty-list", |config| *config = nothing()),
        empty("empty-missing", |config| *config = with(nothing(), |forms| forms.empty = EmptyForm::Missing)),
        empty("empty-null", |config| *config = with(nothing(), |forms| forms.empty = EmptyForm::Null)),
        empty("empty-object", |config| *config = with(nothing(), |forms| forms.empty = EmptyForm::Object)),
        of_method("list-as-object", First(2), |config| config.forms.list = ListForm::Object),
        of_method("code-text", First(1), |config| config.forms.code = CodeForm::Text),
        of_method("numbers-text", First(1), |config| config.forms.numbers = NumberForm::Text),
        of_method("ids-under-data", First(2), |config| config.forms.ids = IdsForm::UnderData),
        of_method("needless-code", First(1), |config| config.forms.needless_code = true),
        of_method("record-refused", First(1), |config| config.refused_rows = u32::MAX),
        faulty("record-repeated", First(2), Fault::DuplicateKey),
        faulty("page-repeated", Later(2), Fault::RepeatedPage),
        gateway("escaped", |config| config.forms.escapes = Escapes::Ascii),
        gateway("bom", |config| config.forms.bom = true),
        broken("cut", Fault::CutJson),
        broken("html", Fault::Html),
    ]
}

/// The forms that the words of the call limit take: both commas.
pub(super) const COMMAS: [Comma; 2] = [Comma::FullWidth, Comma::Ascii];

fn of_method(name: &'static str, ask: Ask, set: fn(&mut SimConfig)) -> Form {
    Form { name, ask, set, fault: None, of_gateway: false }
}

fn plain(_: &mut SimConfig) {}

/// A merchant without a row.
fn nothing() -> SimConfig {
    let mut config = config();
    config.rows.values_mut().for_each(|rows| *rows = 0);
    config
}

fn with(mut config: SimConfig, change: fn(&mut Forms)) -> SimConfig {
    change(&mut config.forms);
    config
}

fn first_of_gateway(endpoint: &Endpoint) -> bool {
    let first = endpoints::ALL.iter().find(|other| other.gateway == endpoint.gateway);
    first.is_some_and(|first| first.dataset == endpoint.dataset)
}

/// A signed form that asks for XML, signed again: this client never does.
#[expect(clippy::needless_pass_by_value, reason = "the shape that `answer_to` takes")]
fn as_xml(body: String) -> String {
    let pairs = form_urlencoded::parse(body.as_bytes()).into_owned();
    let mut params: Vec<(String, String)> = pairs.filter(|(name, _)| name != "sign").collect();
    params.iter_mut().filter(|(name, _)| name == "format").for_each(|(_, value)| "xml".clone_into(value));
    let secret = Account::example(Gateway::Top).secret;
    let sign = top::sign(&top::string_to_sign(&params), &secret, top::SignMethod::from_name("hmac-sha256").unwrap());
    params.push(("sign".to_owned(), sign));
    form_urlencoded::Serializer::new(String::new()).extend_pairs(params).finish()
}
