//! What the program's threads do to the engine.

use super::*;

fn submission<'a>(random: &mut Random, index: usize, name: usize, payload: &'a [u8], child: bool) -> Submission<'a> {
    let mut submission = Submission::new(NAMES[name], payload).priority(random.one_of(&Priority::ALL));
    if index % 3 == 0 {
        submission = submission.user_context(&payload[..8]);
    }
    if index % 5 == 0 {
        submission = submission.header("index", "here");
    }
    let queue = if child { "default" } else { random.one_of(&QUEUES) };
    submission.queue(queue)
}

fn name_and_length(world: &World, random: &mut Random, child: bool) -> (usize, usize) {
    // A child has no child, and short tasks are the many.
    let name = match random.below(10) {
        0 => 1,
        1 => 2,
        2 => 3,
        // Nobody can settle while an engine is closed by its owner, so that would take its time.
        3 if world.ending != Ending::Close => 4,
        4 if !child => 5,
        _ => 0,
    };
    let most = random.one_of(&[1, 40, 40, 1000, 17_000, 80_000]);
    (name, random.below(most) as usize)
}

pub(super) fn submit(world: &World, engine: &Engine, random: &mut Random, child: bool) {
    let (name, length) = name_and_length(world, random, child);
    let Some(index) = world.begin(name, length) else { return };
    let payload = World::payload(index, length);
    match engine.submit(&submission(random, index, name, &payload, child)) {
        Ok(id) => world.accepted(index, id),
        Err(error) => world.was_refused(index, &error),
    }
}

fn submit_many(world: &World, engine: &Engine, random: &mut Random) {
    let mut parts = Vec::new();
    for _ in 0..1 + random.below(20) {
        let (name, length) = name_and_length(world, random, false);
        let Some(index) = world.begin(name, length) else { break };
        parts.push((index, name, World::payload(index, length)));
    }
    let mut submissions: Vec<_> =
        parts.iter().map(|(index, name, payload)| submission(random, *index, *name, payload, false)).collect();
    let when_full = random.one_of(&[
        None,
        Some(WhenFull::Refuse),
        Some(WhenFull::DropOldest),
        Some(WhenFull::Wait(Some(Duration::from_millis(3)))),
    ]);
    for submission in &mut submissions {
        submission.when_full = when_full;
    }
    match engine.submit_many(&submissions) {
        Ok(ids) => {
            assert_eq!(ids.len(), parts.len());
            for ((index, ..), id) in parts.iter().zip(ids) {
                world.accepted(*index, id);
            }
        }
        Err(error) => parts.iter().for_each(|(index, ..)| world.was_refused(*index, &error)),
    }
}

pub(super) fn ask_for_end(world: &World, engine: &Engine, random: &mut Random) {
    let Some((index, id)) = world.some_accepted(random) else { return };
    world.told[id.value() as usize].asked_by.store(index + 1, SeqCst);
    match engine.tell_end(id) {
        Ok(None) => drop(world.facts[index].promised.fetch_add(1, SeqCst)),
        Ok(Some((state, _))) => {
            world.expect(state.is_final(), || format!("{index} has ended {state:?}"));
            world.saw(index, state);
        }
        Err(Error::NotFound(_) | Error::ShutdownIncomplete(_)) => {}
        Err(error) => world.expect(false, || format!("an end cannot be asked for: {error}")),
    }
}

/// A thread that does anything at all, until the shutdown has begun and a little longer.
pub(super) fn act(world: &Arc<World>, engine: &Engine, mut random: Random) {
    let mut after = 100;
    while after > 0 {
        after -= u32::from(world.is_ending.load(SeqCst));
        let action = random.below(100);
        if action < 45 {
            submit(world, engine, &mut random, false);
            continue;
        }
        if action < 50 {
            submit_many(world, engine, &mut random);
            continue;
        }
        if action == 99 {
            reconfigure(engine, &mut random);
            continue;
        }
        if random.below(3) == 0 {
            ask_for_end(world, engine, &mut random);
        }
        let Some((index, id)) = world.some_accepted(&mut random) else {
            continue;
        };
        let fact = &world.facts[index];
        match action {
            50..60 => match engine.cancel(id, "by an actor").unwrap() {
                CancelResult::Queued => assert_eq!(fact.runs.load(SeqCst), 0, "{index} was running"),
                CancelResult::Running | CancelResult::AlreadyFinal | CancelResult::Unknown => {}
            },
            60..70 => {
                fact.watches.fetch_add(1, SeqCst);
                let (hearing, ended) = (world.clone(), world.clone());
                let watched = engine.watch(id, move |status, result| {
                    let fits = status.id == id && result.is_ok() == status.state.is_final();
                    hearing.expect(fits, || format!("{status:?} {result:?}"));
                    hearing.saw(index, status.state);
                    hearing.facts[index].heard.fetch_add(1, SeqCst);
                });
                if let Err(error) = watched {
                    let known =
                        matches!(error, Error::NotFound(_) | Error::ShuttingDown | Error::ShutdownIncomplete(_));
                    assert!(known, "{error}");
                    ended.facts[index].watches.fetch_sub(1, SeqCst);
                }
            }
            70..75 => {
                let limit = Duration::from_micros(random.below(3000));
                match engine.wait(id, Some(limit)) {
                    Ok(status) => world.saw(index, status.state),
                    Err(Error::NotFound(_) | Error::ShutdownIncomplete(_)) => {}
                    Err(error) => panic!("a wait failed: {error}"),
                }
            }
            75..85 => {
                if let Some(status) = engine.status(id) {
                    assert_eq!(&*status.task_name, NAMES[fact.name.load(SeqCst)]);
                    assert!(status.attempt <= 1);
                    assert!(!status.state.is_final() || status.finished_at_us >= status.submitted_at_us);
                    world.saw(index, status.state);
                }
            }
            85..90 => {
                if let Ok(payload) = engine.payload(id) {
                    assert!(payload == World::payload(index, fact.length.load(SeqCst)));
                }
            }
            90..93 => {
                let counters = engine.statistics().unwrap().engine;
                assert!(counters.succeeded + counters.dead <= counters.started);
            }
            93..96 => {
                let stale = engine.settle(id, Lease::new(77), Outcome::Done);
                assert!(matches!(stale, Err(Error::StaleLease { .. } | Error::NotFound(_))));
            }
            _ => thread::yield_now(),
        }
    }
}

fn reconfigure(engine: &Engine, random: &mut Random) {
    let name = random.one_of(&QUEUES);
    match engine.configure_queue(name, queue(name, random)) {
        Ok(()) | Err(Error::ShuttingDown) => {}
        Err(error) => panic!("{error}"),
    }
}

pub(super) fn queue(name: &str, random: &mut Random) -> QueueOptions {
    let mut options = QueueOptions::default();
    options.workers = Some(1 + random.below(3) as u32);
    options.ageing_step = Duration::from_millis(random.below(20));
    match name {
        "limited" => options.concurrency_limit = Some(1 + random.below(LIMIT) as u32),
        "dropping" => {
            options.when_full = WhenFull::DropOldest;
            options.capacity = 5 + random.below(50);
        }
        "waiting" => {
            options.when_full = WhenFull::Wait(Some(Duration::from_millis(random.below(8))));
            options.capacity = 5 + random.below(50);
            options.capacity_bytes = 100_000 + random.below(100_000);
        }
        _ => {}
    }
    options
}

/// A thread that ends pending runs, sometimes before their `run` has returned. Two of them try the same one.
pub(super) fn settle(world: &World, engine: &Weak<Engine>, mut random: Random) {
    while !world.over.load(SeqCst) {
        let Some((index, id, lease)) = world.pending.pop() else {
            thread::sleep(Duration::from_micros(100));
            continue;
        };
        if random.below(4) == 0 {
            thread::sleep(Duration::from_micros(random.below(500)));
        }
        let Some(engine) = engine.upgrade() else { continue };
        let outcome = random.one_of(&[0, 1, 2]);
        for _ in 0..1 + random.below(2) {
            let outcome = match outcome {
                0 => Outcome::Done,
                1 => Outcome::Cancelled,
                _ => Outcome::Fatal(Failure::message("settled")),
            };
            match engine.settle(id, lease, outcome) {
                Ok(()) => {
                    world.facts[index].settled.fetch_add(1, SeqCst);
                }
                Err(Error::StaleLease { .. } | Error::NotFound(_)) => {}
                Err(error) => panic!("{error}"),
            }
        }
        world.used_engine.fetch_add(1, SeqCst);
    }
}
