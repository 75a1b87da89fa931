//! The tables that say what columns and values mean, and the columns about persons.

use std::path::Path;

use serde_json::{Map, Value, json};
use wdt_etl::pipeline::Order;
use wdt_models::{Endpoint, endpoints};

use crate::datasets::ROWS;
use crate::support;
use crate::world::{World, nulls, table, texts};

const PLACES: [&str; 2] = ["flagship_warehouses", "flagship_shops"];

fn personal(endpoint: &Endpoint) -> Vec<&'static str> {
    endpoint.fields.iter().filter(|field| field.personal).map(|field| field.name).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn columns_about_persons_are_null_unless_asked_for() {
    let world = World::of_all_gateways(&ROWS, |_| {});
    world.run_of("without", &PLACES).await;
    for name in PLACES {
        let rows = table(&world.warehouse(), name).await;
        let columns = personal(endpoints::find(name).unwrap());
        assert!(columns.len() >= 6, "{columns:?}");
        let extras = texts(&rows, "_wdt_extra");
        let elsewhere = |column: &str| extras.iter().any(|extra| extra.contains(&format!("\"{column}\"")));
        for column in columns {
            assert_eq!(nulls(&rows, column), rows.num_rows(), "{name}.{column}");
            assert!(!elsewhere(column), "{name}.{column}");
        }
        world.edit_config(&format!("name = \"{name}\"\n"), &format!("name = \"{name}\"\npersonal = true\n"));
    }
    world.edit_config("url = \"warehouse\"", "url = \"other\"");
    world.run_of("with", &PLACES).await;
    for name in PLACES {
        let endpoint = endpoints::find(name).unwrap();
        let rows = table(&world.folder.path().join("other"), name).await;
        for column in personal(endpoint) {
            assert!(nulls(&rows, column) < rows.num_rows(), "{name}.{column}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn meanings_of_columns_and_values_are_there_and_come_back_when_lost() {
    let world = World::of_all_gateways(&ROWS, |_| {});
    world.run("first", &Order::default()).await;
    let meanings = |name: &str| of_table(&world.warehouse(), name);
    let (columns, codes) = (meanings("etl_columns"), meanings("etl_codes"));
    assert!(codes.contains(&json!(["cainiao_inventory", "inventory_type", "201", "冻结库存", "frozen"])), "{codes:?}");
    assert!(codes.contains(&json!(["flagship_stock", "defect", "true", "残品", "defective"])), "{codes:?}");
    assert!(codes.contains(&json!(["flagship_warehouses", "type", "6", "抖音云仓", "Douyin cloud warehouse"])));
    let quantity =
        json!(["cainiao_inventory", "quantity", "decimal(19,4)", "库存数量", "quantity", null, false, false]);
    assert!(columns.contains(&quantity), "{columns:?}");
    let phone = json!(["flagship_shops", "mobile", "text", "手机", "mobile number", null, false, true]);
    assert!(columns.contains(&phone), "{columns:?}");
    let members = columns.iter().filter(|column| column[1].as_str().unwrap().starts_with("area_stock[]."));
    assert!(members.count() > 10, "members of lists have rows of their own");
    for endpoint in endpoints::ALL {
        let own = columns.iter().filter(|column| column[0] == endpoint.dataset);
        assert!(own.count() >= endpoint.fields.len(), "{}", endpoint.dataset);
    }
    for name in ["etl_columns", "etl_codes"] {
        std::fs::remove_dir_all(world.warehouse().join(name)).unwrap();
    }
    world.clock.advance(60);
    world.run("second", &Order::default()).await;
    assert_eq!((meanings("etl_columns"), meanings("etl_codes")), (columns, codes));
}

/// Rows of a table of meanings as lists, sorted.
fn of_table(warehouse: &Path, name: &str) -> Vec<Value> {
    let order = ["dataset", "column", "value", "type", "zh", "en", "unit", "volatile", "personal"];
    let list = |row: Map<String, Value>| order.iter().filter_map(|name| row.get(*name).cloned()).collect();
    let mut rows: Vec<Value> = support::rows(&warehouse.join(name)).into_iter().map(list).collect();
    rows.sort_by_key(ToString::to_string);
    rows
}
