//! Mistakes that are planted in the model on purpose, to show that a history finds them.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mutation {
    /// None: the model as it is meant.
    None,
    /// One attempt more than the policy says.
    OneAttemptMore,
    /// A retry comes a millisecond early.
    EarlyRetry,
    /// A delayed task comes a millisecond late.
    LateTask,
    /// A cancel does not keep a failed run from being tried again.
    CancelForgotten,
    /// A settle with an old lease counts.
    OldLeaseCounts,
    /// A run that stops at its time limit was cancelled, not failed.
    LimitIsCancel,
    /// A replayed task goes on counting its attempts.
    ReplayKeepsAttempts,
    /// A task whose run was given up is tried again though its thread is not back.
    RetryBesideThread,
    /// A time of day does not follow a clock that is set.
    WallIgnored,
    /// A paused queue goes on.
    PauseIgnored,
    /// The worker of a stalled run gets no replacement.
    StallNotReplaced,
    /// When a stall is over, its replacement stays beside the worker.
    ReplacementStays,
    /// A stall is told once more each time somebody looks.
    StallToldAgain,
    /// An engine that drains takes new work.
    DrainTakesWork,
    /// A drain leaves what is ready.
    DrainLeavesReady,
    /// The attempt of an interrupted run counts.
    InterruptedCounts,
    /// A run that the shutdown and somebody else asked to stop was interrupted.
    ShutdownBeforeCaller,
    /// A shutdown cancels what waits for its time only when the last run has ended.
    ScheduledOutlivesCancel,
    /// A closed engine still records how a run ends.
    ClosedRecords,
    /// A shutdown that is out of time does not name runs that were given up before.
    GivenUpNotNamed,
    /// A run that a kill has ended counts as an attempt.
    CrashedRunCounts,
    /// Tasks that ran when a process was killed run beside each other afterwards.
    SuspectsRunTogether,
    /// That a run was asked to stop is forgotten with the process.
    StopRequestLost,
    /// A task is run once more though it has taken three processes with it.
    OneCrashMore,
}

impl Mutation {
    /// All mistakes.
    pub const ALL: &[Self] = &[
        Self::OneAttemptMore,
        Self::EarlyRetry,
        Self::LateTask,
        Self::CancelForgotten,
        Self::OldLeaseCounts,
        Self::LimitIsCancel,
        Self::ReplayKeepsAttempts,
        Self::RetryBesideThread,
        Self::WallIgnored,
        Self::PauseIgnored,
        Self::StallNotReplaced,
        Self::ReplacementStays,
        Self::StallToldAgain,
        Self::DrainTakesWork,
        Self::DrainLeavesReady,
        Self::InterruptedCounts,
        Self::ShutdownBeforeCaller,
        Self::ScheduledOutlivesCancel,
        Self::ClosedRecords,
        Self::GivenUpNotNamed,
        Self::CrashedRunCounts,
        Self::SuspectsRunTogether,
        Self::StopRequestLost,
        Self::OneCrashMore,
    ];

    /// Whether it shows only where a process is killed and another one goes on.
    pub fn is_of_kills(self) -> bool {
        matches!(self, Self::CrashedRunCounts | Self::SuspectsRunTogether | Self::StopRequestLost | Self::OneCrashMore)
    }
}
