//! The two methods of the flagship stock.

use wdt_etl::pipeline::Order;
use wdt_models::endpoints::FLAGSHIP_STOCK;

use crate::datasets::ROWS;
use crate::world::{World, assert_same_rows, nulls, sorted, table, without};

#[tokio::test(flavor = "multi_thread")]
async fn both_methods_of_the_flagship_stock_land_the_same_rows() {
    let world = World::of_all_gateways(&ROWS, |_| {});
    world.run_of("newer", &["flagship_stock"]).await;
    let newer = sorted(&table(&world.warehouse(), "flagship_stock").await, &["rec_id"]);
    let calls = world.sim.call_count();
    world.edit_config("url = \"warehouse\"", "url = \"other\"");
    world.edit_config("name = \"flagship_stock\"\n", "name = \"flagship_stock\"\nmethod = \"wms.StockSpec.search\"\n");
    world.run_of("older", &["flagship_stock"]).await;
    let later = world.sim.calls().into_iter().filter(|call| call.number > calls);
    assert!(later.map(|call| call.method).all(|method| method == "wms.StockSpec.search"));
    let older = sorted(&table(&world.folder.path().join("other"), "flagship_stock").await, &["rec_id"]);
    let newer = without(&newer, &["_wdt_pulled_at", "_wdt_run_id"]);
    assert_same_rows(&older, &newer, "flagship_stock");
    // the ERP as the newer one spells it: epoch milliseconds and words
    world.edit_config("method = \"wms.StockSpec.search\"\n", "");
    let erp = world.erp(&FLAGSHIP_STOCK);
    assert_same_rows(&older, &erp, "flagship_stock");
    assert!(newer.num_rows() == 150 && nulls(&newer, "modified") == 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_method_is_another_scope() {
    let world = World::of_all_gateways(&ROWS, |_| {});
    world.run_of("newer", &["flagship_stock"]).await;
    let calls = world.sim.call_count();
    world.edit_config("name = \"flagship_stock\"\n", "name = \"flagship_stock\"\nmethod = \"wms.StockSpec.search\"\n");
    let (config, around) = (world.config(), world.surroundings("older"));
    let refused = wdt_etl::pipeline::run(&config, &Order::default(), &around).await;
    let error = refused.expect_err("rows of two methods must not mix");
    assert_eq!(error.exit_code(), 2, "{error}");
    assert!(error.to_string().contains("account `flagship`, dataset `flagship_stock`"), "{error}");
    assert_eq!(world.sim.call_count(), calls);
}
