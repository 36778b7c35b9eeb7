//! Power cuts, and kills, anywhere in the life of a store: what was told as safe is there, and nothing is there by halves.
//!
//! `BACKRUN_POWER_CUTS` says how many there are, `BACKRUN_STRESS_SEED` where the choices begin; a failure names the seed with which the
//! first life is the one that failed.

use crate::cut::{Cut, Image, Sweep};
use crate::disk::{Call, Disk, Event, Kind, Part, Verdict, NAME};
use crate::model::{is_after_an_end, Ends, Kept};
use crate::random::Random;
use crate::workload::{live, options, History, Trouble};
use backrun::options::Durability;
use backrun::store::conformance::plain_task;
use backrun::store::durable::{apply, Answer, Batch, Change, Page, Store, StoredTask};
use backrun::store::sqlite::SqliteStore;
use backrun::TaskId;
use rusqlite::{ffi, Connection};
use std::collections::{BTreeMap, BTreeSet};

/// Commits of a life: enough for a few checkpoints.
const COMMITS: usize = 150;
/// Cuts in each.
const CUTS: usize = 100;

/// What was due when it ended.
struct Due {
    /// So many batches must be there, and so many may be.
    least: usize,
    most: usize,
    told: usize,
    /// Refused then or later, and nothing was told of since: it may be there if the next thing was the end.
    refused: BTreeSet<usize>,
    last_id: i64,
    /// Every claim that was noted; those whose worker had begun no other run nor come to its end; and those that no move has named
    /// since.
    claims: Vec<(i64, u32)>,
    current: BTreeSet<(i64, u32)>,
    unnamed: BTreeSet<(i64, u32)>,
    /// Those that an earlier recovery may have said to have crashed.
    crashed: Vec<(i64, u32)>,
    /// A claim was being noted: it may be or not.
    is_claiming: bool,
    may_be_clean: bool,
    must_be_clean: bool,
}

fn due(history: &History, at: usize, how: Cut) -> Due {
    let mut due = Due {
        least: 0,
        most: 0,
        told: 0,
        refused: BTreeSet::new(),
        last_id: 0,
        claims: Vec::new(),
        current: BTreeSet::new(),
        unnamed: BTreeSet::new(),
        crashed: Vec::new(),
        is_claiming: false,
        may_be_clean: false,
        must_be_clean: false,
    };
    let mut current = BTreeMap::new();
    for event in &history.log[..at] {
        match event {
            Event::Asked { batch } => {
                due.most = batch + 1;
                if history.refused.contains_key(batch) {
                    due.refused.insert(*batch);
                }
            }
            Event::Told { batch } => {
                due.told = batch + 1;
                due.refused.clear();
                history.named[*batch].iter().for_each(|run| _ = due.unnamed.remove(run));
                if how == Cut::Kill || history.durabilities[*batch] == Durability::Committed {
                    due.least = batch + 1;
                }
            }
            Event::Ids { last } => due.last_id = *last,
            Event::Claiming { worker, run } => {
                due.is_claiming = true;
                due.claims.extend(*run);
                due.unnamed.extend(*run);
                current.insert(*worker, *run);
            }
            Event::Claimed => due.is_claiming = false,
            Event::Closing => due.may_be_clean = true,
            Event::Closed => due.must_be_clean = true,
            _ => {}
        }
    }
    due.current = current.into_values().flatten().collect();
    due
}

/// What is found on the disk.
struct Found {
    batches: usize,
    lost_buffered: bool,
    /// Who is said to have crashed.
    crashed: Vec<(i64, u32)>,
}

/// Opens what is left, and holds it to what is due. Wherefrom it cannot be, in words.
fn look(disk: &Disk, history: &History, due: &Due, how: Cut) -> Result<Found, String> {
    let store = SqliteStore::open(options(disk)).map_err(|error| format!("it does not open: {error}"))?;
    sound(disk)?;
    let all = Page { limit: usize::MAX, ..Page::default() };
    let tasks = store.list(&all).map_err(|error| format!("it cannot be read: {error}"))?;
    let paused = store.paused().map_err(|error| format!("it cannot be read: {error}"))?.into_iter().collect();
    let crashed: Vec<_> = store.interrupted().iter().map(|run| (run.id.value(), run.claims)).collect();
    if let Some(run) = crashed.iter().find(|run| !due.claims.contains(run)) {
        return Err(format!("{run:?} is said to have run, which nobody claimed"));
    }
    let found = find(&tasks, &paused, history, due, &[&due.crashed[..], &crashed].concat())?;
    if how == Cut::Kill && !due.may_be_clean && !due.is_claiming && due.refused.is_empty() {
        who_ran(&tasks, &crashed, &history.kept[found.batches], due)?;
    }
    let next = store.reserve_ids(1).map_err(|error| format!("it gives no ids: {error}"))?;
    if next.value() <= due.last_id {
        return Err(format!("id {} is given out a second time, {} was", next.value(), due.last_id));
    }
    match apply(&store, vec![Change::Accept(Box::new(plain_task(next)))]) {
        Ok(answers) if answers == [Answer::Done] => Ok(Found { crashed, ..found }),
        other => Err(format!("it takes no new task: {other:?}")),
    }
}

/// The file is what SQLite calls sound, and has nothing that belongs to no task.
fn sound(disk: &Disk) -> Result<(), String> {
    let file = Connection::open(disk.path()).map_err(|error| error.to_string())?;
    let ask = |sql: &str| file.query_row(sql, [], |row| row.get::<_, String>(0)).map_err(|error| error.to_string());
    let answer = ask("PRAGMA integrity_check")?;
    let orphans = ask("SELECT count(*) || ' notes of no task' FROM note WHERE id NOT IN (SELECT id FROM task)")?;
    match (answer.as_str(), orphans.as_str()) {
        ("ok", "0 notes of no task") => Ok(()),
        _ => Err(format!("the file is not sound: {answer}; {orphans}")),
    }
}

fn find(
    tasks: &[StoredTask],
    paused: &BTreeSet<backrun::Text>,
    history: &History,
    due: &Due,
    crashed: &[(i64, u32)],
) -> Result<Found, String> {
    let ends = Ends { claims: &due.claims, crashed };
    let is = |kept: &Kept, is_clean: bool| {
        kept.tasks.len() == tasks.len()
            && kept.paused == *paused
            && kept.tasks.values().zip(tasks).all(|(was, now)| is_after_an_end(now, was, is_clean, &ends))
    };
    let may = |kept: &Kept| (!due.must_be_clean && is(kept, false)) || (due.may_be_clean && is(kept, true));
    if let Some(batches) = (due.least..=due.most).rev().find(|batches| may(&history.kept[*batches])) {
        return Ok(Found { batches, lost_buffered: batches < due.told, crashed: Vec::new() });
    }
    if due.refused.iter().any(|batch| may(&history.refused[batch])) {
        return Ok(Found { batches: due.most, lost_buffered: false, crashed: Vec::new() });
    }
    let (least, most) = (due.least, due.most);
    match (0..history.kept.len()).find(|batches| may(&history.kept[*batches])) {
        Some(batches) => Err(format!("{batches} batches are there, and it must be {least} to {most}")),
        None => Err(format!(
            "what is there, {} tasks, is not what any number of batches leaves: {}",
            tasks.len(),
            unlike(tasks, paused, &history.kept[least..=most], &ends)
        )),
    }
}

fn shown(task: Option<&StoredTask>) -> String {
    task.map_or("not there".to_owned(), |task| {
        let (payload, text) = (task.payload.len(), format!("{:?}", StoredTask { payload: Vec::new(), ..task.clone() }));
        format!("{text} with a payload of {payload} bytes")
    })
}

/// What is there, beside the nearest of what may be.
fn unlike(tasks: &[StoredTask], paused: &BTreeSet<backrun::Text>, may: &[Kept], ends: &Ends<'_>) -> String {
    let of = |kept: &Kept| {
        let mut odd = Vec::new();
        let there: BTreeMap<_, _> = tasks.iter().map(|task| (task.id.value(), task)).collect();
        for id in there.keys().chain(kept.tasks.keys()).collect::<BTreeSet<_>>() {
            match (there.get(id), kept.tasks.get(id)) {
                (Some(now), Some(was)) if is_after_an_end(now, was, false, ends) => {}
                (now, was) => {
                    odd.push(format!("{id} is {}, due is {}", shown(now.copied()), shown(was.map(|was| &**was))))
                }
            }
        }
        if kept.paused != *paused {
            odd.push(format!("paused are {paused:?}, due are {:?}", kept.paused));
        }
        odd
    };
    let nearest = may.iter().map(of).min_by_key(Vec::len).unwrap_or_default();
    nearest.into_iter().take(3).collect::<Vec<_>>().join("; ")
}

/// After a kill every claim is known that the tables do not have, and who ran.
fn who_ran(tasks: &[StoredTask], crashed: &[(i64, u32)], kept: &Kept, due: &Due) -> Result<(), String> {
    use backrun::State::{Ready, Scheduled};
    let is_new = |(id, claims): &&(i64, u32)| {
        kept.tasks.get(id).is_some_and(|task| matches!(task.state, Ready | Scheduled) && task.claims < *claims)
    };
    for (id, claims) in due.unnamed.iter().filter(is_new) {
        let known = tasks.iter().find(|task| task.id.value() == *id).map_or(0, |task| task.claims);
        if known < *claims {
            return Err(format!(
                "claim {claims} of task {id} is forgotten: {known} are known, and its lease would be given out again"
            ));
        }
    }
    for run in due.current.iter().filter(is_new).filter(|run| due.unnamed.contains(run)) {
        if !crashed.iter().any(|(id, claims)| *id == run.0 && *claims >= run.1) {
            return Err(format!("{run:?} ran, and {crashed:?} are said to have"));
        }
    }
    Ok(())
}

/// Cuts a life so often, and says what was found of each cut.
fn cut(history: &History, cuts: usize) -> Vec<Result<Found, String>> {
    let mut random = Random(history.seed ^ 0xc07);
    let mut places: Vec<_> = (0..cuts).map(|_| random.below(history.log.len() as u64 + 1) as usize).collect();
    places.sort_unstable();
    let nothing = Image::default();
    let mut sweep = Sweep::new(&nothing, &history.log, random.next());
    let one = |place: usize| {
        sweep.go_to(place);
        let how = if random.percent(25) { Cut::Kill } else { Cut::Power };
        let image = sweep.cut(how, &mut random);
        let due = due(history, place, how);
        let disk = Disk::mount(&image);
        let found = look(&disk, history, &due, how).and_then(|found| {
            if random.percent(15) {
                // And again, in the midst of coming up after it.
                let crashed = found.crashed.clone();
                again(&image, &disk.log(), history, &Due { crashed, ..due }, &mut random)?;
            }
            Ok(found)
        });
        found.map_err(|what| format!("{what} (seed {}, {how:?} at {place} of {})", history.seed, history.log.len()))
    };
    places.into_iter().map(one).collect()
}

/// The power goes in the midst of the recovery from a cut: what is there after that one is due as it was.
fn again(image: &Image, log: &[Event], history: &History, due: &Due, random: &mut Random) -> Result<(), String> {
    // Up to the first new task, which is the last that `look` does; what it writes itself is three commits.
    let mut sweep = Sweep::new(image, log, random.next());
    let syncs = log.iter().enumerate().filter(|(_, event)| matches!(event, Event::Sync { .. }));
    let end = syncs.map(|(at, _)| at).next().unwrap_or(log.len());
    sweep.go_to(random.below(end as u64 + 1) as usize);
    let disk = Disk::mount(&sweep.cut(Cut::Power, random));
    look(&disk, history, due, Cut::Power).map(drop).map_err(|what| format!("after a second cut: {what}"))
}

fn number(name: &str, usual: u64) -> u64 {
    std::env::var(name).ok().map_or(usual, |value| value.parse().unwrap_or_else(|_| panic!("{name} is no number")))
}

#[derive(Default)]
struct Tally {
    cuts: usize,
    lost_buffered: usize,
    refused: usize,
    failures: Vec<String>,
}

fn rounds(cuts: usize, seed: u64, trouble: impl Fn(u64) -> Trouble) -> Tally {
    let mut tally = Tally::default();
    for round in 0..cuts.div_ceil(CUTS) as u64 {
        let history = live(seed + round, COMMITS, trouble(seed + round));
        tally.refused += history.refused.len();
        for found in cut(&history, CUTS.min(cuts)) {
            tally.cuts += 1;
            match found {
                Ok(found) => tally.lost_buffered += usize::from(found.lost_buffered),
                Err(what) => tally.failures.push(what),
            }
        }
        if tally.failures.len() > 20 {
            break;
        }
    }
    tally
}

impl Tally {
    fn assert_none_failed(&self) {
        let Self { failures, cuts, .. } = self;
        assert!(failures.is_empty(), "{} of {cuts} cuts:\n{}", failures.len(), failures.join("\n"));
    }
}

fn seed() -> u64 {
    let seed = number("BACKRUN_STRESS_SEED", 7);
    println!("seed: {seed} (BACKRUN_STRESS_SEED={seed} has it again)");
    seed
}

#[test]
fn a_power_cut_or_a_kill_anywhere_loses_nothing_that_was_told_as_safe_and_leaves_no_batch_by_halves() {
    let cuts = number("BACKRUN_POWER_CUTS", 200) as usize;
    let tally = rounds(cuts, seed(), |_| Trouble::default());
    println!("{} cuts; in {} of them batches were lost that were told of as buffered", tally.cuts, tally.lost_buffered);
    tally.assert_none_failed();
    // It is a power cut at all.
    assert!(tally.lost_buffered > 0, "none of {} cuts lost anything", tally.cuts);
}

/// Some syncs, and fewer writes, fail.
fn failing(seed: u64) -> Trouble {
    let mut random = Random(seed);
    let rule = move |call: &Call| match call.kind {
        Kind::Sync if random.percent(20) => Verdict::Fail(ffi::SQLITE_IOERR_FSYNC),
        Kind::Write if random.below(2000) == 0 => Verdict::Fail(ffi::SQLITE_IOERR_WRITE),
        Kind::Write if random.below(2000) == 0 => Verdict::Fail(ffi::SQLITE_FULL),
        _ => Verdict::Do,
    };
    Trouble { rule_once_open: Some(Box::new(rule)), may_refuse: true, ..Trouble::default() }
}

#[test]
fn after_a_sync_that_failed_what_is_told_as_safe_is_safe() {
    let cuts = number("BACKRUN_POWER_CUTS", 200) as usize / 3;
    let tally = rounds(cuts, seed(), failing);
    println!("{} cuts; {} batches were refused", tally.cuts, tally.refused);
    tally.assert_none_failed();
    assert!(tally.refused > 0, "no sync failed");
}

#[test]
fn what_is_told_as_safe_makes_safe_what_it_rests_on_though_it_changes_nothing() {
    let disk = Disk::mount(&Image::default());
    let store = SqliteStore::open(options(&disk)).unwrap();
    let pause = || vec![Change::Pause("mails".into(), true)];
    let (tell, told) = std::sync::mpsc::channel();
    let tell = move |_, answers| drop(tell.send(answers));
    store.apply(Batch { changes: pause(), durability: Durability::Buffered, told: Box::new(tell) });
    told.recv().expect("every batch is told of").unwrap();
    apply(&store, pause()).unwrap();
    let (nothing, log) = (Image::default(), disk.log());
    let mut sweep = Sweep::new(&nothing, &log, 0);
    sweep.go_to(log.len());
    for seed in 0..20 {
        let disk = Disk::mount(&sweep.cut(Cut::Power, &mut Random(seed)));
        assert_eq!(SqliteStore::open(options(&disk)).unwrap().paused().unwrap(), ["mails"], "seed {seed}");
    }
}

#[test]
fn a_sync_that_failed_before_a_kill_is_made_good_at_the_next_start() {
    for seed in 0..20 {
        let mut random = Random(seed);
        let disk = Disk::mount(&Image::default());
        let store = SqliteStore::open(options(&disk)).unwrap();
        let mut due = vec![accept(&store, Durability::Committed).unwrap()];
        due.extend((0..3).map(|_| accept(&store, Durability::Buffered).unwrap()));
        disk.set_rule(|call| match call.kind {
            Kind::Sync => Verdict::Fail(ffi::SQLITE_IOERR_FSYNC),
            _ => Verdict::Do,
        });
        accept(&store, Durability::Committed).unwrap_err();
        // What is on the disk, and what the next process sees.
        let (nothing, log) = (Image::default(), disk.log());
        let mut sweep = Sweep::new(&nothing, &log, seed);
        sweep.go_to(log.len());
        let (mut there, mut seen) = (sweep.cut(Cut::Power, &mut random), sweep.cut(Cut::Kill, &mut random));
        let shm = format!("{NAME}-shm");
        there.files.remove(&shm);
        seen.files.remove(&shm);

        let next = Disk::mount(&seen);
        next.doubt(&format!("{NAME}-wal"));
        let store = SqliteStore::open(options(&next)).unwrap();
        due.push(accept(&store, Durability::Committed).unwrap());
        let log = next.log();
        let mut sweep = Sweep::new(&there, &log, seed);
        sweep.go_to(log.len());
        let last = Disk::mount(&sweep.cut(Cut::Power, &mut random));
        let store = SqliteStore::open(options(&last)).unwrap();
        sound(&last).unwrap();
        for id in due {
            assert!(store.get(id).unwrap().is_some(), "{id} is lost (seed {seed})");
        }
    }
}

fn accept(store: &SqliteStore, durability: Durability) -> backrun::Result<TaskId> {
    let id = store.reserve_ids(1)?;
    let (tell, told) = std::sync::mpsc::channel();
    let changes = vec![Change::Accept(Box::new(plain_task(id)))];
    let tell = move |_, answers| drop(tell.send(answers));
    store.apply(Batch { changes, durability, told: Box::new(tell) });
    told.recv().expect("every batch is told of").map(|_| id)
}

/// With a mistake like this one, losses are found.
fn bites(trouble: impl Fn(u64) -> Trouble) {
    let tally = rounds(50, seed(), trouble);
    println!("{} of {} cuts lost what was told as safe", tally.failures.len(), tally.cuts);
    assert!(!tally.failures.is_empty(), "none of {} cuts found it", tally.cuts);
}

fn syncs_of(part: Option<Part>) -> Trouble {
    let pretend = move |call: &Call| match call.kind {
        Kind::Sync if part.is_none_or(|part| part == call.part) => Verdict::Pretend,
        _ => Verdict::Do,
    };
    Trouble { rule: Some(Box::new(pretend)), ..Trouble::default() }
}

#[test]
fn without_any_sync_losses_are_found() {
    bites(|_| syncs_of(None));
}

#[test]
fn without_syncs_of_the_log_losses_are_found() {
    bites(|_| syncs_of(Some(Part::Wal)));
}

#[test]
fn without_syncs_of_the_tables_losses_are_found() {
    bites(|_| syncs_of(Some(Part::Main)));
}

#[test]
fn with_committed_done_as_buffered_losses_are_found() {
    bites(|_| Trouble { swallowed: Some("FULL"), ..Trouble::default() });
}
