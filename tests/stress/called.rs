//! What the engine calls: the handlers, and the observer.

use super::*;

pub(super) struct Runner {
    pub(super) name: usize,
    pub(super) world: Arc<World>,
}

impl Drop for Runner {
    fn drop(&mut self) {
        self.world.handlers_dropped.fetch_add(1, SeqCst);
    }
}

impl Handler for Runner {
    fn run(&self, task: &TaskContext<'_>) -> Outcome {
        let world = &self.world;
        let index = World::index_of(task.payload());
        let fact = &world.facts[index];
        let mut random = Random(world.seed ^ index as u64);
        let before = fact.runs.fetch_add(1, SeqCst);
        world.expect(before == 0, || format!("{index} runs twice"));
        let expected = World::payload(index, fact.length.load(SeqCst));
        let as_submitted = fact.name.load(SeqCst) == self.name
            && task.payload() == expected
            && task.user_context() == (index % 3 == 0).then_some(&expected[..8])
            && task.header("index") == (index % 5 == 0).then_some("here");
        world.expect(as_submitted, || format!("{index} is not what was submitted"));
        let limited = task.queue() == "limited";
        if limited {
            let before = world.running_limited.fetch_add(1, SeqCst);
            world.expect(before < LIMIT, || format!("{before} run already"));
        }
        let outcome = match NAMES[self.name] {
            "fail" => Outcome::Failed(Failure::message("by design")),
            // Without the noise of a panic's hook.
            "throw" => {
                if limited {
                    world.running_limited.fetch_sub(1, SeqCst);
                }
                std::panic::resume_unwind(Box::new("by design"))
            }
            "slow" => {
                let end = Instant::now() + Duration::from_micros(random.below(2000));
                while Instant::now() < end && !task.is_cancelled() {
                    thread::yield_now();
                }
                if task.is_cancelled() {
                    Outcome::Cancelled
                } else {
                    Outcome::Done
                }
            }
            "pend" => {
                world.pending.push(index, task.id(), task.lease());
                if random.below(3) == 0 {
                    // So that the settle comes first.
                    thread::sleep(Duration::from_micros(random.below(300)));
                }
                Outcome::Pending
            }
            "parent" => {
                if let Some(engine) = world.engine.get().and_then(Weak::upgrade) {
                    submit(world, &engine, &mut random, true);
                    let waited = engine.wait(task.id(), None);
                    world.expect(matches!(waited, Err(Error::WouldDeadlock { .. })), || format!("{waited:?}"));
                    world.used_engine.fetch_add(1, SeqCst);
                }
                Outcome::Done
            }
            _ => Outcome::Done,
        };
        if limited {
            world.running_limited.fetch_sub(1, SeqCst);
        }
        outcome
    }
}

pub(super) struct Listener {
    pub(super) world: Arc<World>,
    pub(super) wants_events: bool,
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.world.observer_dropped.store(true, SeqCst);
    }
}

impl Observer for Listener {
    fn wants_events(&self) -> bool {
        self.wants_events
    }

    fn wants_ends(&self) -> bool {
        true
    }

    fn ended(&self, id: TaskId, lease: Lease, state: Option<State>) {
        let world = &self.world;
        let told = &world.told[id.value() as usize];
        world.expect(told.ends.fetch_add(1, SeqCst) == 0, || format!("the end of task {id} is told twice"));
        let asked_by = told.asked_by.load(SeqCst);
        world.expect(asked_by > 0, || format!("the end of task {id} is told and nobody asked"));
        let Some(state) = state else { return };
        world.saw(asked_by - 1, state);
        let Some(engine) = world.engine.get().and_then(Weak::upgrade) else { return };
        let status = engine.status(id);
        let recorded = status.as_ref().is_some_and(|status| (status.state, status.lease) == (state, lease));
        world.expect(recorded, || format!("task {id} ended {state:?} and is {status:?}"));
        // Whoever is told may go on at once, on whatever thread this is.
        let mut random = Random(world.seed ^ id.value() as u64);
        match random.below(8) {
            0 => submit(world, &engine, &mut random, true),
            1 => {
                let other = world.some_accepted(&mut random);
                let _ = other.map(|(_, id)| engine.cancel(id, "by one who was told").unwrap());
            }
            2 => ask_for_end(world, &engine, &mut random),
            3 => {
                let waited = world.some_accepted(&mut random).map(|(_, id)| engine.wait(id, None));
                let fits = match &waited {
                    None | Some(Err(Error::WouldDeadlock { .. } | Error::NotFound(_))) => true,
                    Some(waited) => waited.as_ref().is_ok_and(|status| status.state.is_final()),
                };
                world.expect(fits, || format!("{waited:?}"));
            }
            _ => {}
        }
        world.used_engine.fetch_add(1, SeqCst);
    }

    fn events(&self, events: &[Event]) {
        for event in events {
            if event.kind == EventKind::EventsLost {
                self.world.events_lost.fetch_add(event.count, SeqCst);
            }
            let Some(id) = event.task_id else { continue };
            let told = &self.world.told[id.value() as usize];
            let counter = match event.kind {
                EventKind::Accepted => &told.accepted,
                EventKind::Succeeded | EventKind::Dead | EventKind::Cancelled | EventKind::Dropped => &told.ended,
                EventKind::Abandoned => &told.abandoned,
                EventKind::Started => &told.started,
                _ => continue,
            };
            counter.fetch_add(1, SeqCst);
        }
    }
}
