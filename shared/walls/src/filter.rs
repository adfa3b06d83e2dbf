//! Adapter: seccomp. Puts a list of calls ([`call`](super::call)) in force for every thread there is and will be.
//!
//! What is not on the list ends the whole process at once (SIGSYS). Refusing politely instead would let whatever subverted
//! the process try on; an honest one makes no other call, which tests watch over. Whoever started it sees it end by that signal
//! and says so; the kernel's log has the number of the call.
use std::collections::{BTreeMap, BTreeSet};

use seccompiler::{
    BackendError, BpfProgram, SeccompAction, SeccompCmpArgLen as Width, SeccompCmpOp as Op,
    SeccompCondition, SeccompFilter, SeccompRule, apply_filter_all_threads,
};

use super::call::{Answer, Call, Check};

#[derive(Debug, thiserror::Error)]
pub enum FilterError {
    #[error("the list cannot be compiled: {0}")]
    Compile(#[source] BackendError),
    #[error(transparent)]
    Apply(seccompiler::Error),
}

/// What stands on none of the lists ends the process.
pub fn enter(lists: &[&'static [Call]]) -> Result<(), FilterError> {
    let calls = || lists.iter().copied().flatten();
    // A filter has one answer; where several filters speak the kernel takes the strictest, so the answers with an error
    // number are filters of their own, and the calls they are about stand on the list too.
    let errors: BTreeSet<i32> = calls().filter_map(Call::error).collect();
    let mut programs = Vec::new();
    for error in errors {
        programs.push(compile(
            calls().filter(|c| c.error() == Some(error)),
            SeccompAction::Allow,
            SeccompAction::Errno(error.unsigned_abs()),
        )?);
    }
    programs.push(compile(
        calls(),
        SeccompAction::KillProcess,
        SeccompAction::Allow,
    )?);
    // All are made before the first is in force.
    programs
        .iter()
        .try_for_each(|p| apply_filter_all_threads(p))
        .map_err(FilterError::Apply)
}

fn compile<'a>(
    calls: impl Iterator<Item = &'a Call>,
    otherwise: SeccompAction,
    then: SeccompAction,
) -> Result<BpfProgram, FilterError> {
    let mut rules = BTreeMap::new();
    for call in calls {
        let alternatives = match call.answer {
            Answer::When(alternatives) => alternatives,
            Answer::Always | Answer::Error(_) => &[],
        };
        let alternatives = alternatives
            .iter()
            .map(|checks| {
                let checks: Result<Vec<_>, _> = checks.iter().map(condition).collect();
                SeccompRule::new(checks?)
            })
            .collect::<Result<Vec<_>, _>>()
            .map_err(FilterError::Compile)?;
        // A call that stands there twice may be made where either row lets it.
        rules
            .entry(call.number)
            .or_insert_with(Vec::new)
            .extend(alternatives);
    }
    std::env::consts::ARCH
        .try_into()
        .and_then(|arch| SeccompFilter::new(rules, otherwise, then, arch))
        .and_then(BpfProgram::try_from)
        .map_err(FilterError::Compile)
}

fn condition(check: &Check) -> Result<SeccompCondition, BackendError> {
    match *check {
        Check::Is(argument, value) => SeccompCondition::new(argument, Width::Qword, Op::Eq, value),
        Check::Bits(argument, mask, value) => {
            SeccompCondition::new(argument, Width::Qword, Op::MaskedEq(mask), value)
        }
        Check::IsSelf(argument) => SeccompCondition::new(
            argument,
            Width::Dword,
            Op::Eq,
            u64::from(std::process::id()),
        ),
    }
}
