//! How a history ends: in a shutdown, while steps go on.

use crate::drivers::Report;
use crate::history::History;
use crate::world::{Answer, End, Phase, Stage, Task};
use backrun::ShutdownMode::{self, Cancel, Drain};
use std::thread::JoinHandle;

/// After so many steps, all that runs is let go.
const ENOUGH: u64 = 60;

impl History {
    /// Ends the engine. How many steps that took.
    pub fn end(mut self) -> u64 {
        let turn = self.random.below(ENOUGH / 2);
        let steps = match self.random.below(4) {
            0 => self.shut_down(Drain, None),
            1 => self.shut_down(Cancel, None),
            2 => self.shut_down(Drain, Some(turn)),
            _ => self.shut_down_out_of_time(),
        };
        self.look();
        for _ in 0..3 {
            self.refused();
        }
        self.settle();
        self.cancel();
        self.look();
        steps
    }

    /// A shutdown that waits as long as it takes, and perhaps another one that cancels after so many steps.
    fn shut_down(&mut self, mode: ShutdownMode, then_cancel: Option<u64>) -> u64 {
        let mut shutting = vec![self.begin_shutdown(mode)];
        let mut steps = 0;
        while !self.world.is_over() {
            if shutting.iter().any(JoinHandle::is_finished) {
                self.fail("a shutdown has returned, and there is something left to wait for");
            }
            self.settle_down();
            if then_cancel == Some(steps) {
                shutting.push(self.begin_shutdown(Cancel));
            } else if steps < ENOUGH {
                self.step_of_shutdown();
            } else {
                self.let_all_go();
            }
            steps += 1;
        }
        self.say("the shutdown is over".to_owned());
        self.world.close();
        self.wait_until("the shutdown returns", || shutting.iter().all(JoinHandle::is_finished));
        let mut lost = 0;
        for report in shutting {
            let report = report.join().unwrap();
            lost += report.queued;
            self.expect("the report", (report.complete, report.running), (true, Vec::new()));
        }
        self.expect("how many queued tasks were lost", lost, self.world.lost);
        steps
    }

    /// Begins a shutdown on a thread of its own, and waits until the engine has heard of it.
    fn begin_shutdown(&mut self, mode: ShutdownMode) -> JoinHandle<Report> {
        self.say(format!("shut down: {mode:?}"));
        let was_open = self.world.stage == Stage::Open;
        let engine = self.engine.clone();
        let shutting = std::thread::spawn(move || engine.shut_down(mode, None));
        if was_open {
            self.wait_until("the shutdown begins", || self.engine.pause(self.world.paused) == Answer::ShuttingDown);
        }
        match mode {
            Drain => self.world.drain(),
            Cancel => {
                let queued = self.ids(|task| matches!(task.phase, Phase::Ready | Phase::Scheduled));
                let runs = self.ids(|task| matches!(task.phase, Phase::Running | Phase::Pending));
                self.world.cancel_everything();
                let is_cancelled = |id: &i64| self.engine.look(*id).unwrap().phase == Phase::Cancelled;
                let is_asked = |id: &i64| self.engine.look(*id).unwrap().asked;
                let is_heard = || queued.iter().all(is_cancelled) && runs.iter().all(is_asked);
                self.wait_until("all that is queued is cancelled, and all that runs is asked to stop", is_heard);
            }
        }
        shutting
    }

    fn step_of_shutdown(&mut self) {
        if self.can_stall() && self.random.one_in(10) {
            return self.stall();
        }
        match self.random.below(14) {
            0..=4 => self.let_one_go(),
            5..=6 => self.settle(),
            7 => self.cancel(),
            8..=9 => self.advance_a_little(),
            10 => self.jump(),
            11 => self.purge(),
            12 => self.refused(),
            _ => self.look(),
        }
    }

    /// Something new, which an engine that ends does not do.
    fn refused(&mut self) {
        match self.random.below(3) {
            0 => self.submit(),
            1 => self.replay(),
            _ => {
                let pause = self.random.one_in(2);
                self.expect("the answer to a pause", self.engine.pause(pause), Answer::ShuttingDown);
            }
        }
    }

    /// Ends one run, so that it ends the task.
    fn let_all_go(&mut self) {
        if let Some(id) = self.ids(|task| task.phase == Phase::Pending).first() {
            let lease = self.world.tasks[id].lease;
            self.say(format!("settle {id} lease {lease} in the end"));
            let due = self.world.settle(*id, lease, End::Done);
            return self.expect("the answer to a settle", self.engine.settle(*id, lease, End::Done), due);
        }
        if let Some(id) = self.ids(Task::has_thread).first() {
            self.let_go(*id, End::Done);
        }
    }

    /// A shutdown that waits for nothing. What runs comes back later, and is refused.
    fn shut_down_out_of_time(&mut self) -> u64 {
        let mode = if self.random.one_in(2) { Drain } else { Cancel };
        self.say(format!("shut down out of time: {mode:?}"));
        let report = self.engine.shut_down(mode, Some(0));
        let running = self.world.close_out_of_time();
        let due = Report { complete: running.is_empty(), running, queued: self.world.lost };
        self.expect("the report of the shutdown that was out of time", report, due);
        let mut steps = 0;
        while !self.runs.is_empty() {
            match self.random.below(8) {
                0..=2 => self.let_one_go(),
                3 => self.settle(),
                4 => self.cancel(),
                5 => self.purge(),
                6 => self.refused(),
                _ => {
                    self.look();
                    let running = self.world.left();
                    let due = Report { complete: false, running, queued: 0 };
                    self.expect("the report of another one", self.engine.shut_down(Drain, Some(0)), due);
                }
            }
            steps += 1;
        }
        let due = Report { complete: true, ..Report::default() };
        self.expect("the report when all are back", self.engine.shut_down(Drain, None), due);
        steps
    }
}
