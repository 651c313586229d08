//! Decisions about elevations: approve, deny.
//!
//! Everything the decision depends on is read inside the transaction that makes it, so an elevation is
//! decided once, while it waits, by somebody who may, for a grant that still stands.
//!
//! Where several people must approve, each is asked by themselves, those before them are asked again, and the last one puts
//! it in force. One no ends it.

use model::{
    Agent, Elevation, Event, ExactCall, Grant, Id, Latitude, NotStanding, Person, Pin, Quorum, Scope, Span, Stage,
    Standing, StepUp, Target, Task, Timestamp, Yes,
    event::{
        ApprovalGiven, ApprovalNumberWrong, DenialCause, ElevationApproved, ElevationDenied, ElevationOf, MayDiffer,
    },
};
use store::{Tx, privilege::PrivilegeTx};

use crate::{
    Refused, approvers,
    duty::stand_in::stand_ins_in,
    latitude::NoLatitude,
    separation_of_duty::{Decider, DutyError, may_deny},
    standing::stands_now,
};

/// What a decision is about, as it stands inside the transaction.
struct Case {
    elevation: Elevation,
    grant: Grant,
    agent: Agent,
    person: Person,
}

/// What a yes came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Approved {
    /// It is in force until then.
    InForce(Timestamp),
    /// Others have to approve as well.
    Waits(Quorum),
    /// Another number was typed than the one that whoever asked sees: so many more may be tried.
    WrongNumber(u32),
}

/// On what terms somebody approves.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Terms {
    /// For how long, when shorter than was asked for.
    pub lasts: Option<Span>,
    /// What became of the number that they typed.
    pub number: Typed,
    /// What of the call may differ, and for how many calls.
    pub latitude: Option<(Latitude, u32)>,
}

/// What somebody typed, beside the number that whoever asked sees.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Typed {
    /// Nothing.
    #[default]
    Nothing,
    /// That number.
    Right,
    /// Another one.
    Wrong,
}

/// So many wrong numbers deny a request.
pub const WRONG_NUMBERS: u32 = 3;

/// Approves an elevation, for as long as its terms say or as long as was asked for; the last one whose approval it takes puts it in force.
/// No event when they had approved it before.
///
/// # Errors
/// The person may not decide this, somebody decided before, the request lapsed, what it rests on was taken away, or
/// `lasts` would extend what was asked for.
pub async fn approve(
    tx: &mut Tx<'_>,
    id: &Id<Elevation>,
    decider: &Decider,
    terms: Terms,
) -> Result<(Option<Event>, Approved), Refused> {
    let now = tx.now();
    let case = case(tx, id, decider).await?;
    let stand_ins = stand_ins_in(tx, decider.person()).await?;
    let duty = approvers::way(decider.policies(), &case.person, &stand_ins, case.case())?.duty();
    // Asked here and nowhere else: a copy in memory may be a moment old, and a block that stood before the decision ends
    // nothing that was decided after it.
    case.stands(tx).await?;
    let decider_is = Target::Person(case.person.id.clone());
    if tx.is_blocked(&decider_is).await? {
        return Err(Refused::Blocked(decider_is));
    }
    still_waits(&case.elevation, now, decider.person())?;
    still_that_tool(tx, &case.elevation).await?;
    let lasts = shortened(terms.lasts, case.elevation.lasts)?;
    let task = case.task(tx).await?;
    let yes = Yes { by: case.person.id.clone(), at: now, lasts, duty };
    let in_name_of = yes.in_name_of().cloned();
    let Joined { quorum, is_news } = case.joined(tx, decider, yes).await?;
    if !is_news {
        return Ok((None, Approved::Waits(quorum)));
    }
    match (case.elevation.quorum.wrong_numbers, terms.number) {
        (None, _) | (Some(_), Typed::Right) => {}
        (Some(_), Typed::Nothing) => return Err(Refused::NumberMissing),
        (Some(wrong), Typed::Wrong) => return case.typed_wrong(tx, decider, wrong + 1, in_name_of).await,
    }
    if !quorum.is_of_one() && !PrivilegeTx::of(tx).put_quorum(id, &quorum).await? {
        return Err(Refused::Lapsed(case.elevation.decide_before));
    }
    let of = ElevationOf::of(&case.elevation, &case.grant);
    let approvers: Vec<_> = quorum.given.iter().map(|yes| yes.by.clone()).collect();
    if quorum.needed > 1 && !quorum.is_reached() {
        let given = ApprovalGiven {
            of,
            decided_by: case.person.id,
            in_name_of,
            approval: approvers.len() as u32,
            approvals: quorum.needed,
            approvers,
            lasts: lasts.seconds(),
        };
        return Ok((Some(given.by(decider.actor())), Approved::Waits(quorum)));
    }
    let lasts = quorum.lasts(lasts);
    let end = now.after(lasts).min(case.grant.not_after);
    let end = task.map_or(end, |task| end.min(task.deadline));
    let mut max_uses = case.elevation.max_uses;
    let mut may_differ = None;
    if let Some((latitude, uses)) = terms.latitude {
        let Some(call) = case.elevation.call.clone() else { return Err(Refused::NoLatitude(NoLatitude::NotExact)) };
        may_differ = Some(MayDiffer::of(&latitude));
        max_uses = uses;
        let call = ExactCall { latitude: Some(latitude), ..call };
        if quorum.needed > 1 || !PrivilegeTx::of(tx).let_vary(id, &call, uses).await? {
            return Err(Refused::NoLatitude(NoLatitude::Several));
        }
    }
    if !PrivilegeTx::of(tx).activate_elevation(id, case.person.id.as_str(), now, end).await? {
        return Err(Refused::Lapsed(case.elevation.decide_before));
    }
    let approved = ElevationApproved {
        of,
        decided_by: case.person.id,
        in_name_of,
        approvals: Some(quorum.needed).filter(|needed| *needed > 1),
        approvers: Some(approvers).filter(|approvers| !approvers.is_empty()),
        until: end.into(),
        max_uses,
        may_differ,
        lasts: lasts.seconds(),
    };
    Ok((Some(approved.by(decider.actor())), Approved::InForce(end)))
}

/// Says no to a request that waits.
///
/// # Errors
/// The person may not decide this, somebody decided before, or the request lapsed.
pub async fn deny(tx: &mut Tx<'_>, id: &Id<Elevation>, decider: &Decider) -> Result<Event, Refused> {
    let now = tx.now();
    let case = case(tx, id, decider).await?;
    let mut in_name_of = None;
    match may_deny(&case.person, &case.elevation, &case.grant, &case.agent) {
        Err(DutyError::NotAnApprover(_)) => {
            let stand_ins = stand_ins_in(tx, decider.person()).await?;
            let way = approvers::way(decider.policies(), &case.person, &stand_ins, case.case())?;
            in_name_of = way.duty().map(|(_, from)| from);
        }
        other => other?,
    }
    still_waits(&case.elevation, now, decider.person())?;
    if !PrivilegeTx::of(tx).deny_elevation(id, case.person.id.as_str(), now).await? {
        return Err(Refused::Lapsed(case.elevation.decide_before));
    }
    let of = ElevationOf::of(&case.elevation, &case.grant);
    Ok(ElevationDenied { of, decided_by: case.person.id, in_name_of, cause: None }.by(decider.actor()))
}

async fn case(tx: &mut Tx<'_>, id: &Id<Elevation>, decider: &Decider) -> Result<Case, Refused> {
    let unknown = || Refused::UnknownElevation(id.clone());
    let elevation = tx.elevation(id).await?.ok_or_else(unknown)?;
    let grant = tx.grant(&elevation.grant).await?.ok_or_else(unknown)?;
    let agent = tx.agent(&grant.agent).await?.ok_or_else(unknown)?;
    let nobody = || DutyError::NotAPerson(decider.person().clone());
    let person = tx.person(decider.person()).await?.ok_or_else(nobody)?;
    Ok(Case { elevation, grant, agent, person })
}

/// Whoever approved it among others hears that it was them.
fn still_waits(elevation: &Elevation, now: Timestamp, decider: &Id<Person>) -> Result<(), Refused> {
    match elevation.stage {
        Stage::Requested if elevation.is_pending(now) => Ok(()),
        Stage::Requested => Err(Refused::Lapsed(elevation.decide_before)),
        Stage::Active(_) | Stage::Ended(_) | Stage::Denied(_) => {
            let approved = elevation.approval().is_some() && elevation.quorum.has(decider);
            let by = elevation.decided().map(|decided| if approved { decider.to_string() } else { decided.by.clone() });
            Err(Refused::AlreadyDecided { state: elevation.state(), by })
        }
    }
}

/// What was asked for was asked for of a tool as it was; nobody approves a call of another one.
async fn still_that_tool(tx: &mut Tx<'_>, elevation: &Elevation) -> Result<(), Refused> {
    let (Scope::Tool(server, tool), Some(call)) = (&elevation.scope, &elevation.call) else { return Ok(()) };
    let Some(definition) = &call.definition else { return Ok(()) };
    let entry = tx.catalogue_entry(server, tool).await?;
    let accepted = entry.filter(|entry| entry.pin() == Pin::Accepted).map(|entry| entry.seen.to_hex());
    match accepted.as_ref() == Some(definition) {
        true => Ok(()),
        false => Err(Refused::ToolChanged { tool: tool.qualified(server) }),
    }
}

fn shortened(asked: Option<Span>, longest: Span) -> Result<Span, Refused> {
    match asked {
        None => Ok(longest),
        Some(asked) if asked.seconds() > 0 && asked <= longest => Ok(asked),
        Some(asked) => Err(Refused::NotShorter { asked, longest }),
    }
}

/// Those who approved, with whoever decides now.
struct Joined {
    quorum: Quorum,
    /// They had not approved before.
    is_news: bool,
}

impl Case {
    /// As rules ask for it.
    fn case(&self) -> approvers::Case<'_> {
        (&self.elevation, &self.grant, &self.agent)
    }

    /// Counts a wrong number; the last one that may be tried is a no.
    async fn typed_wrong(
        self,
        tx: &mut Tx<'_>,
        decider: &Decider,
        wrong: u32,
        in_name_of: Option<Id<Person>>,
    ) -> Result<(Option<Event>, Approved), Refused> {
        let (id, now) = (&self.elevation.id, tx.now());
        let of = ElevationOf::of(&self.elevation, &self.grant);
        let left = WRONG_NUMBERS.saturating_sub(wrong);
        let lapsed = || Refused::Lapsed(self.elevation.decide_before);
        if left == 0 {
            if !PrivilegeTx::of(tx).deny_elevation(id, self.person.id.as_str(), now).await? {
                return Err(lapsed());
            }
            let cause = Some(DenialCause::WrongNumbers);
            let denied = ElevationDenied { of, decided_by: self.person.id, in_name_of, cause };
            return Ok((Some(denied.by(decider.actor())), Approved::WrongNumber(0)));
        }
        let quorum = Quorum { wrong_numbers: Some(wrong), ..self.elevation.quorum.clone() };
        if !PrivilegeTx::of(tx).put_quorum(id, &quorum).await? {
            return Err(lapsed());
        }
        let typed = ApprovalNumberWrong { of, decided_by: self.person.id, wrong };
        Ok((Some(typed.by(decider.actor())), Approved::WrongNumber(left)))
    }

    /// Adds an approval to those that still count. Where one person is enough there is nothing to add to.
    async fn joined(&self, tx: &mut Tx<'_>, decider: &Decider, yes: Yes) -> Result<Joined, Refused> {
        let needed = self.elevation.quorum.needed;
        if (needed <= 1 && yes.duty.is_none()) || self.elevation.by == StepUp::Consent {
            return Ok(Joined { quorum: self.elevation.quorum.clone(), is_news: true });
        }
        let all = approvers::of_tx(tx, &self.elevation).await?;
        let (case, now) = (self.case(), tx.now());
        let counts = |approver: &approvers::Approver| approver.gone(decider.policies(), case, now).is_none();
        let given = all.into_iter().filter(counts).map(|approver| approver.yes).collect();
        let mut quorum = Quorum { given, ..self.elevation.quorum.clone() };
        let is_news = !quorum.has(decider.person());
        if is_news {
            if let Some(twice) = yes.people().find(|person| quorum.counts(person)) {
                return Err(DutyError::CountsAlready(twice.clone()).into());
            }
            quorum.given.push(yes);
        }
        Ok(Joined { quorum, is_news })
    }

    /// The task that it is for, which has to be open.
    async fn task(&self, tx: &mut Tx<'_>) -> Result<Option<Task>, Refused> {
        let Some(id) = &self.elevation.ends_with.task else { return Ok(None) };
        let task = tx.task(id).await?.ok_or_else(|| Refused::UnknownTask(id.clone()))?;
        match task.is_open(tx.now()) {
            true => Ok(Some(task)),
            false => Err(Refused::TaskOver(id.clone())),
        }
    }

    /// Nobody approves privilege for something that has been stopped.
    async fn stands(&self, tx: &mut Tx<'_>) -> Result<(), Refused> {
        if !self.grant.is_live(tx.now()) {
            return Err(Refused::GrantEnded(self.grant.id.clone()));
        }
        let tool = match &self.elevation.scope {
            Scope::Tool(_, tool) => Some(tool),
            _ => None,
        };
        let standing = Standing { tool, ..Standing::of(&self.agent, &self.grant) };
        // By the blocks that stand: what is approved now is not from before one that was lifted.
        let refused = match stands_now(tx, &standing).await? {
            Ok(()) => return Ok(()),
            Err(refused) => refused,
        };
        Err(match refused {
            NotStanding::AgentNotActive(state) => Refused::AgentNotActive { agent: self.agent.id.to_string(), state },
            NotStanding::OwnerDisabled => DutyError::NotAPerson(self.agent.owner.clone()).into(),
            NotStanding::Blocked(target) => Refused::Blocked(target),
            NotStanding::GrantEnded => Refused::GrantEnded(self.grant.id.clone()),
        })
    }
}
