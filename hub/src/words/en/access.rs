//! Pure. English for who may do what, and for accounts, roles, owners and tokens.

use crate::{
    model::role::{self, Role},
    reason::Access::{self, *},
    words::text::{Text, say},
};

pub fn of(reason: &Access) -> Text {
    match reason {
        PersonWanted { row } => say!(
            "to {} takes a person, whom the record names: give the command --as NAME; that takes one of: {}",
            row.what,
            role::list(row.roles)
        ),
        NotForRole { name, roles, row } => {
            let is: Vec<&str> = roles.iter().map(|r| r.in_words()).collect();
            let is = match is.is_empty() {
                true => "has no role".to_owned(),
                false => format!("is {}", is.join(" and ")),
            };
            let takes = match row.roles.is_empty() {
                true => "the hub's own console".to_owned(),
                false => format!("one of: {}", role::list(row.roles)),
            };
            say!(
                "{name} {is} here, and may not {}; that takes {takes}",
                row.what
            )
        }
        NotForAllCameras { name, row } => say!(
            "{name} may not {} here: that concerns all cameras of this hub, and the role was given for some of them",
            row.what
        ),
        NotForThisCamera { name, row } => say!(
            "{name} may not {} here: the camera is not among those, or the footage is older than the days, that the role was given for",
            row.what
        ),
        TokenNotForThis { token, name, row } => {
            say!(
                "token {token} of {name} is not for {}; nothing was done",
                row.name
            )
        }
        PasswordToBeSet { name } => say!(
            "the password of {name} is one that the hub made, and nothing was done";
            "set another one first (`beadle-hub staff password --as {name}`)"
        ),
        DeclarationToBeAccepted { name } => say!(
            "{name} has not accepted the declaration as it reads now, and nothing was done";
            "accept it first (`beadle-hub declaration accept --as {name}`, or the page)"
        ),
        FactorToBeSet { name } => say!(
            "a role of {name} takes a second factor, and nothing was done";
            "set one up first (`beadle-hub factor code --as {name}`, or the page)"
        ),
        AskedAlready { request } => say!(
            "the same is asked for already, as request {request}; it waits for a second person"
        ),
        RequestSettled { request } => {
            say!("request {request} was settled meanwhile; nothing was done")
        }
        RequestOver { request, state } => match state.as_str() {
            "expired" => {
                say!("nobody approved request {request} in time; nothing was done"; "ask again")
            }
            "aside" => say!(
                "request {request} was set aside, because what it is about has changed; nothing was done";
                "ask again"
            ),
            state => say!("request {request} is {state} already; nothing was done"),
        },
        RequestUnknown { request } => say!(
            "there is no request {request}"; "`beadle-hub staff waiting` shows them"
        ),
        RequestOfAnotherKind { request } => {
            say!("request {request} is of a kind that is approved elsewhere; nothing was done")
        }
        SamePerson { name } => {
            say!("{name} asked for this; it takes a second person; nothing was done")
        }
        MayBeOnePerson {
            one,
            other,
            hand,
            days,
        } => say!(
            "{one} and {other} may be one person: {hand} made one of these accounts, or was told its password, in the last {days} days, and no second administrator has vouched for it since; nothing was done";
            "somebody else has to approve this"
        ),
        InTheirHands {
            name,
            account,
            days,
        } => say!(
            "{name} made the account {account}, or was told its password, in the last {days} days; nothing was done";
            "another administrator has to approve this"
        ),
        ConsoleIsNobody => say!("the console is no person, and this takes two; nothing was done"),
        SecondPersonWanted {
            request,
            asked,
            subject,
        } => {
            let about = subject.as_ref().map_or_else(String::new, |name| {
                format!(", nor {name}, whom it is about")
            });
            say!(
                "request {request}: a second person must approve it, not {asked}, who asked for it{about}; nothing was done"
            )
        }
        RoleUnknown { role } => {
            say!(
                "{role:?} is not a role; roles are {}",
                role::list(&Role::ALL)
            )
        }
        RoleForWhichCameras { most } => say!(
            "a role is given for all cameras, for one owner's, or for 1 to {most} that are named: say exactly one of them; nothing was done"
        ),
        RoleEndsBeforeItBegins => say!("the role would end before it begins; nothing was done"),
        RoleNotHeld { grant } => say!(
            "nobody has a role of number {grant}"; "`beadle-hub staff list` shows them"
        ),
        AccountClosed { account } => say!("the account {account} is closed; nothing was done"),
        AccountNotTheirsYet { name } => say!(
            "{name} has not signed in yet and set a password of their own; nothing was done";
            "approve it when they have, for it says that the account is theirs"
        ),
        LastAdministrator => say!(
            "after that nobody could administer this hub, so nothing was done";
            "give somebody else the role first"
        ),
        TextNotShowable { text, most } => say!(
            "{text:?} is no name: 1 to {most} characters that can be shown, on one line; nothing was done"
        ),
        OwnerNameMalformed { owner } => say!(
            "{owner:?} is no owner's short name: 1 to 40 of a to z, digits and -; nothing was done"
        ),
        OwnerExists { owner } => say!("there is an owner {owner} already; nothing was done"),
        OwnerHasIt { owner, camera } => say!("{camera} is {owner}'s already; nothing was done"),
        OwnerUnknown { owner } => say!(
            "there is no owner {owner}"; "`beadle-hub owner list` shows them"
        ),
        TokenIsAPersons => say!("a token is a person's"),
        TokenDays { most } => say!("a token is for 1 to {most} days; nothing was done"),
        TokenOperations { most } => say!("a token names 1 to {most} operations; nothing was done"),
        OperationUnknown { operation } => {
            say!("there is no operation {operation}; nothing was done")
        }
        TokenNeverForThis { operation } => {
            say!("no token can be for {operation}: that is for people alone; nothing was done")
        }
        TokenBeyondRoles { name, row } => say!(
            "{name} may not {}, and a token of theirs may not either; nothing was done",
            row.what
        ),
        TokenUnknown { name, token } => say!(
            "{name} has no token {token}"; "`beadle-hub token list` shows them"
        ),
        TokenEnded { token } => say!("token {token} was ended before; nothing was done"),
    }
}
