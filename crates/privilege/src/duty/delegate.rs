//! Handing approving over. Only who may approve by their own role can: what was handed to them is not theirs to hand on.

use crypto::mint;
use model::{Actor, Duty, Event, Id, Person, Role, Server, Span, Target, event::DutyDelegated};
use store::{StoreError, Tx, privilege::PrivilegeTx};

use crate::Refused;

/// So many that are in the name of one person stand at once.
pub const AT_ONCE: usize = 16;

/// What is handed over.
#[derive(Clone, Debug)]
pub struct DutyWish {
    /// In whose name.
    pub from: Id<Person>,
    /// Who decides.
    pub to: Id<Person>,
    /// For requests of this server alone. Whether there is such a server is the caller's question.
    pub server: Option<Id<Server>>,
    /// For how long at the most.
    pub lasts: Span,
}

/// Hands approving over, until a time. Who may is the caller's question.
///
/// # Errors
/// One of the two is not there, disabled or stopped; they are the same; the first is no approver; it would last too long; it is
/// handed over already; or too much is.
pub async fn delegate(tx: &mut Tx<'_>, wish: DutyWish, actor: Actor) -> Result<(Event, Duty), Refused> {
    let DutyWish { from, to, server, lasts } = wish;
    if from == to {
        return Err(Refused::BadDuty("nobody hands their duty to themselves"));
    }
    if lasts.seconds() == 0 || lasts > Duty::LONGEST {
        return Err(Refused::BadDuty("a duty is handed over for 1s to 30 days"));
    }
    let giver = acting(tx, &from).await?;
    acting(tx, &to).await?;
    if !giver.holds(Role::Approver) {
        return Err(crate::DutyError::NotAnApprover(from).into());
    }
    let now = tx.now();
    let standing: Vec<_> = tx.duties_from(&from).await?.into_iter().filter(|duty| !duty.is_over(now)).collect();
    if let Some(same) = standing.iter().find(|duty| duty.to == to && duty.server == server) {
        return Err(Refused::DutyStands(same.id.clone()));
    }
    if standing.len() >= AT_ONCE {
        return Err(Refused::BadDuty("as much is handed over in this name as may be; end one of them first"));
    }
    let duty = Duty { id: mint(), from, to, server, since: now, not_after: now.after(lasts), ended: None };
    PrivilegeTx::of(tx).put_duty(&duty).await?;
    Ok((DutyDelegated::of(&duty).by(actor), duty))
}

/// Somebody who may act at all.
async fn acting(tx: &mut Tx<'_>, id: &Id<Person>) -> Result<Person, Refused> {
    let person = tx.person(id).await?.filter(|person| !person.disabled);
    let Some(person) = person else { return Err(crate::DutyError::NotAPerson(id.clone()).into()) };
    let target = Target::Person(id.clone());
    if tx.is_blocked(&target).await? {
        return Err(Refused::Blocked(target));
    }
    Ok(person)
}

/// In whose name nothing may stand any more once these roles are all they have, or they are gone.
pub(crate) async fn lost(tx: &mut Tx<'_>, person: &Person) -> Result<(), StoreError> {
    use model::DutyEnd::{PersonGone, RoleLost};
    let mut tx = PrivilegeTx::of(tx);
    if person.disabled {
        tx.end_duties_from(&person.id, PersonGone).await?;
        return tx.end_duties_to(&person.id, PersonGone).await;
    }
    if !person.holds(Role::Approver) {
        tx.end_duties_from(&person.id, RoleLost).await?;
    }
    Ok(())
}
