//! Which commits stand against each other.

use super::*;

pub(super) async fn rivals_of_one_application_conflict(shared: Shared) {
    let (mut first, mut second) = shared.rivals(&plain()).await;
    let change =
        async |table: &Table, id: i64| Change { adds: written(table, ids(&plain(), [id])).await, ..moved("app", id) };
    let late = change(&second, 2).await;
    let change_of_first = change(&first, 1).await;
    first.commit(change_of_first).await.unwrap();
    assert_conflict(&second.commit(late).await);
    assert_eq!((second.version(), all_ids(&second).await), (0, vec![]), "the loser has loaded nothing");
    second.refresh().await.unwrap();
    assert_eq!(
        (second.version(), all_ids(&second).await, second.transaction("app").await.unwrap()),
        (1, vec![1], Some(1))
    );
    let again = change(&second, 2).await;
    assert_eq!(second.commit(again).await.unwrap(), 2);
    assert_eq!(all_ids(&second).await, [1, 2]);
}

pub(super) async fn rivals_of_several_applications_do_not(shared: Shared) {
    let (mut first, mut second) = shared.rivals(&plain()).await;
    for (table, app, id) in [(&mut first, "a", 1), (&mut second, "b", 2)] {
        let adds = written(table, ids(&plain(), [id])).await;
        assert_eq!(table.commit(Change { adds, ..moved(app, id) }).await.unwrap(), id.cast_unsigned());
    }
    // whoever commits sees what rivals have committed, too
    assert_eq!((second.version(), all_ids(&second).await), (2, vec![1, 2]));
    assert_eq!((second.transaction("a").await.unwrap(), second.transaction("b").await.unwrap()), (Some(1), Some(2)));
    assert_eq!(first.version(), 1);
}

pub(super) async fn a_held_application_conflicts_with_its_mover(shared: Shared) {
    let held = |app: &str| Change { holds: Some(("watermark".to_owned(), 7)), ..moved(app, 1) };
    let (mut first, mut second) = shared.rivals(&plain()).await;
    first.commit(moved("watermark", 7)).await.unwrap();
    second.refresh().await.unwrap();
    first.commit(moved("watermark", 8)).await.unwrap();
    assert_conflict(&second.commit(held("backfill")).await);
    second.refresh().await.unwrap();
    assert_eq!(second.transaction("backfill").await.unwrap(), None);
    second.commit(held("backfill")).await.unwrap();
    assert_conflict(&first.commit(moved("watermark", 9)).await);
    first.refresh().await.unwrap();
    assert_eq!(first.transaction("watermark").await.unwrap(), Some(7), "it is written as it stands");
    // two who repeat it stand against each other as well
    second.commit(held("other")).await.unwrap();
    assert_conflict(&first.commit(held("backfill")).await);
}

pub(super) async fn every_rival_since_the_loaded_version_counts(shared: Shared) {
    for harmful in 0..3 {
        let (mut first, mut second) = shared.rivals(&plain()).await;
        for number in 0..3 {
            let app = if number == harmful { "app" } else { "other" };
            first.commit(moved(app, number)).await.unwrap();
        }
        assert_conflict(&second.commit(moved("app", 9)).await);
        assert_eq!(second.commit(moved("third", 9)).await.unwrap(), 4);
        shared.forget("sample");
    }
}

pub(super) async fn a_file_is_taken_away_once(shared: Shared) {
    let (mut first, mut second) = shared.rivals(&plain()).await;
    append(&mut first, ids(&plain(), [1])).await.unwrap();
    append(&mut first, ids(&plain(), [2])).await.unwrap();
    second.refresh().await.unwrap();
    let late = emptied(&second);
    let mut change = emptied(&first);
    change.removes.truncate(1);
    let gone = ids_in(&first, &change.removes[0].path, change.removes[0].size).await;
    first.commit(change).await.unwrap();
    assert_conflict(&second.commit(late).await);
    second.refresh().await.unwrap();
    assert_eq!((all_ids(&second).await.len(), gone.len()), (1, 1));
    let change = emptied(&second);
    second.commit(change).await.unwrap();
    assert_eq!(all_ids(&second).await, Vec::<i64>::new());
}

pub(super) async fn an_append_conflicts_with_a_rival_who_took_a_loaded_file_away(shared: Shared) {
    let (mut first, mut second) = shared.rivals(&plain()).await;
    append(&mut first, ids(&plain(), [1])).await.unwrap();
    second.refresh().await.unwrap();
    first.commit(emptied(&first)).await.unwrap();
    assert_conflict(&append(&mut second, ids(&plain(), [2])).await);
    second.refresh().await.unwrap();
    append(&mut second, ids(&plain(), [2])).await.unwrap();
    assert_eq!(all_ids(&second).await, [2]);
    // a file that was not loaded yet is none that was read
    let mut late = shared.handle(&plain()).await;
    append(&mut first, ids(&plain(), [3])).await.unwrap();
    let change = Change {
        removes: first.files(None).unwrap().into_iter().filter(|file| !loads(&late, &file.path)).collect(),
        ..Change::default()
    };
    assert_eq!(change.removes.len(), 1);
    first.commit(change).await.unwrap();
    append(&mut late, ids(&plain(), [4])).await.unwrap();
    assert_eq!(all_ids(&late).await, [2, 4]);
}

pub(super) async fn a_rival_s_new_files_stand_against_nothing(shared: Shared) {
    let (mut first, mut second) = shared.rivals(&plain()).await;
    append(&mut first, ids(&plain(), [1])).await.unwrap();
    second.refresh().await.unwrap();
    let adds = written(&second, ids(&plain(), [10])).await;
    let rewritten = Change { adds, ..emptied(&second) };
    append(&mut first, ids(&plain(), [2])).await.unwrap();
    assert_eq!(second.commit(rewritten).await.unwrap(), 3);
    assert_eq!(all_ids(&second).await, [2, 10]);
}
