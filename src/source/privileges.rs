//! Root's privileges are given up once the captures are open, and cannot come back.
//!
//! An open capture stays usable: the kernel checks permission at opening. Whatever needs root (other
//! interfaces, files of root) must be opened before.

use std::ffi::CString;
use std::io;

use nix::errno::Errno;
use nix::unistd::{Uid, User, setgid, setuid};

use crate::error::Error;

/// Makes this process, with all its threads, the user named `user`, its group and its other groups.
///
/// Becoming root, or the user that this process already is, changes nothing.
///
/// # Errors
/// [`Error::Usage`] if there is no such user. [`Error::Io`], its path being the user's name, if the
/// system refuses, or if root could still be regained; the process should end then, for it may hold
/// part of its privileges.
pub fn drop_privileges(user: &str) -> Result<(), Error> {
    let found = User::from_name(user).map_err(|errno| refused(user, errno))?;
    let Some(found) = found else {
        return Err(Error::Usage(format!("no such user to run as: {user}")));
    };
    if found.uid.is_root() || found.uid == Uid::current() && found.uid == Uid::effective() {
        return Ok(());
    }
    become_user(&found).map_err(|errno| refused(user, errno))?;
    if is_regained() {
        return Err(refused(user, Errno::EPERM));
    }
    Ok(())
}

/// The groups go first: without root they could no longer be changed.
fn become_user(user: &User) -> Result<(), Errno> {
    init_groups(user)?;
    setgid(user.gid)?;
    setuid(user.uid)
}

/// Sets the supplementary groups to those of `user`.
#[cfg(not(target_vendor = "apple"))]
fn init_groups(user: &User) -> Result<(), Errno> {
    let name = CString::new(user.name.as_str()).map_err(|_| Errno::EINVAL)?;
    nix::unistd::initgroups(&name, user.gid)
}

/// Refuses: Apple's systems have no supported call for a process of several threads.
#[cfg(target_vendor = "apple")]
fn init_groups(_: &User) -> Result<(), Errno> {
    Err(Errno::ENOTSUP)
}

/// Tries to be root again.
fn is_regained() -> bool {
    setuid(Uid::from_raw(0)).is_ok() || Uid::current().is_root() || Uid::effective().is_root()
}

fn refused(user: &str, errno: Errno) -> Error {
    Error::Io { action: "cannot become the user", path: user.into(), source: io::Error::from(errno) }
}

#[cfg(test)]
mod tests {
    use nix::unistd::{Uid, User};

    use super::drop_privileges;
    use crate::error::{Error, ExitCode};

    #[test]
    fn an_unknown_user_is_a_usage_error() {
        let error = drop_privileges("no-such-user-here").unwrap_err();
        assert_eq!(error.exit_code(), ExitCode::Usage);
        assert_eq!(error.to_string(), "no such user to run as: no-such-user-here");
    }

    #[test]
    fn who_is_that_user_already_changes_nothing() {
        let me = User::from_uid(Uid::current()).unwrap().unwrap();
        drop_privileges(&me.name).unwrap();
        assert_eq!(Uid::current(), me.uid);
    }

    #[test]
    fn without_root_nobody_else_can_be_become() {
        if Uid::effective().is_root() {
            return; // tests/live_source.rs drops root's privileges for real, in a process of its own.
        }
        let other = ["daemon", "nobody"].into_iter().find_map(|name| User::from_name(name).ok().flatten());
        if let Some(other) = other {
            let error = drop_privileges(&other.name).unwrap_err();
            assert!(matches!(&error, Error::Io { .. }), "{error}");
        }
    }
}
