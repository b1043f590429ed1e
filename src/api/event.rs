//! Reasons of Events that are the reason of no condition. A closed list, as that of conditions is.

use super::condition::reasons;

reasons! {
    /// Says why there is an Event, where no condition says it too.
    EventReason;
    /// Normal: a process got something new in AWS, or a claim. The note lists it.
    Created,
    /// Normal: something was changed in place. The note lists it.
    Updated,
    /// Normal: something was removed. The note lists it.
    Deleted,
    /// Normal: the task of a Run was started. The note names it.
    RunStarted,
    /// Normal: the command of a Run ended with exit code 0.
    RunCompleted,
    /// Normal: the task of a Run that is deleted, or whose time is over, was told to stop.
    RunStopped,
    /// Normal: the definition of Apps is being deleted and says to keep what they have in AWS. The App is gone from
    /// Kubernetes, and all else stays.
    Kept,
    /// Warning, on a Platform: an App was removed from Kubernetes at once, and what it has in AWS runs on without an owner.
    /// The operator removes it, or applies the App again.
    Orphaned,
    /// Normal: an App of another namespace asks for a DNS name that this App has, and does not get it. Once for each name.
    NameWanted,
    /// Warning: a command looks as if it wanted a shell, and none runs it. The developer writes `sh -c '…'` where one is
    /// meant.
    ShellSyntax,
    /// Warning: `cron` names no day from today on, so that no task is ever started. The developer corrects it.
    NeverStarted,
    /// Warning: a process is written without a value, which client-side apply takes for its removal. The developer says
    /// what it runs, or leaves it out.
    ProcessWithoutValue,
}
