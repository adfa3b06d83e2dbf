//! Pure. Every fault condition as data: code, title, cause, what to do next, severity, who.
//!
//! The code is what `fault.on` and `fault.off` lines carry. The same table serves `beadle-edge doctor` and `status`, the hub's pages and
//! `beadle-hub box list`. What a next step names exists: tests of both programs hold commands, units, keys and pages against it. A condition is about a camera or about the whole box; the line's `cam` says which.

/// How much it matters, least first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// To be known; nothing is at risk.
    Info,
    /// Something will be at risk if nothing is done.
    Warning,
    /// A promise of the scheme is not kept for part of it, or soon will not be.
    Serious,
    /// Footage is not recorded, not kept, or kept too long.
    Critical,
}

impl Severity {
    pub fn as_str(self) -> &'static str {
        match self {
            Severity::Info => "info",
            Severity::Warning => "warning",
            Severity::Serious => "serious",
            Severity::Critical => "critical",
        }
    }
}

/// Who can do something about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// Whoever sets boxes and cameras up.
    Installer,
    /// Whoever maintains them on site. Sees no picture.
    Contractor,
    HubStaff,
}

impl Who {
    pub fn as_str(self) -> &'static str {
        match self {
            Who::Installer => "installer",
            Who::Contractor => "contractor",
            Who::HubStaff => "hub staff",
        }
    }
}

/// One condition, in words for people who did not build this.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Condition {
    pub code: &'static str,
    pub title: &'static str,
    /// What is the case, and what it means for the recordings.
    pub cause: &'static str,
    /// The next step.
    pub next: &'static str,
    pub severity: Severity,
    pub who: Who,
}

/// The condition a code names.
pub fn condition(code: &str) -> Option<&'static Condition> {
    CONDITIONS.iter().find(|c| c.code == code)
}

macro_rules! conditions {
    ($($code:literal $severity:ident $who:ident $title:literal $cause:literal $next:literal)*) => {
        pub const CONDITIONS: &[Condition] = &[$(Condition {
            code: $code, title: $title, cause: $cause, next: $next, severity: Severity::$severity, who: Who::$who,
        }),*];
    };
}

conditions! {
    "camera.unreachable" Critical Contractor
        "Camera does not answer"
        "The box cannot reach the camera over the network. Nothing is recorded from it; the gap is logged."
        "Check the camera's power and cable, then its address in the box's configuration. The box keeps trying by itself."
    "camera.answer" Critical Installer
        "Camera answers, but not so that we understand it"
        "The camera is there and answers, and something in its answer is not as this program expects it; the detail says what. Nothing is recorded from it. This is ours to mend."
        "Report it as a fault in Beadle, with what beadle-edge doctor --json says and the camera's make and model. A newer firmware of the camera, or its second stream, may do meanwhile."
    "camera.breaks" Critical Contractor
        "Camera breaks its sessions off"
        "The camera answers and lets the box in, and the connection ends again and again within seconds. What was recorded in between is kept; the gaps are on the record, and the box connects again by itself."
        "See how many others view this camera: most cameras allow only a few sessions at once. Then check the network between camera and box for loss. If it stays, restart the camera."
    "camera.address" Critical Installer
        "Camera has nothing at this address"
        "The camera answers and says that there is no stream at the path of its address. Nothing is recorded from it. Some cameras say so while they start up; the box keeps trying."
        "Correct the path in the camera's url, as its maker's manual has it, and systemctl restart beadle-edge."
    "camera.password" Critical Installer
        "Camera refuses the password"
        "The camera answers but does not accept the user name or password. Nothing is recorded from it. The box tries rarely, so that the camera does not lock the account."
        "Put the right password in the file the configuration names for it (password_file): the box takes it up within seconds, and the other cameras go on. If it is a systemd credential, systemctl restart beadle-edge after."
    "camera.password-file" Critical Installer
        "Camera's password cannot be read"
        "The recorder runs as user beadle, and may not read the file with this camera's password, or the file is not there or empty. The camera is not asked, and nothing is recorded from it; the other cameras go on."
        "Put the password into a file of /etc/beadle/passwords, which only root may read, name it in the configuration (credential: the word camera, an underscore and the file's name), and systemctl restart beadle-edge. Or let user beadle read the file that password_file names: the box takes it up within seconds."
    "camera.login" Critical Installer
        "Camera asks for a login that is not spoken"
        "The camera answers and asks for the password in a way that the box does not speak, or that the configuration does not allow: the detail says which. The password was not told. Nothing is recorded from it."
        "Set the camera's RTSP login (authentication) to Digest. Where the camera has no such setting, basic = true in its [[camera]] allows Basic for it, which gives the password to anyone who listens on the way."
    "camera.certificate" Critical Installer
        "Camera's certificate is not the one that was accepted"
        "The camera is reached over TLS (rtsps) and shows another certificate than before, or one that tls_ca does not vouch for. It was told no password, and nothing is recorded from it. A camera that was reset or replaced has a new certificate; somebody between the camera and the box has one too."
        "Find out which it is. If the camera was reset or replaced, accept its new certificate: beadle-edge camera accept, with the camera's id. The box connects within seconds."
    "camera.stalled" Critical Contractor
        "Camera sends no pictures"
        "The session with the camera is open but no picture has landed on disk for some time. The box has reconnected and the fault stays."
        "Restart the camera. If it comes back, check its load and the network between camera and box for loss."
    "camera.nothing" Critical Installer
        "Nothing of this camera is recorded"
        "The camera is set to be recorded and nothing of it has landed on a disk for ten seconds or longer. What is in the way stands in the detail. The gap is on the record since its beginning."
        "Look at the detail. If the camera sends no key picture, set its key frame interval (I frame, GOP) to two seconds; if it sends no parameter sets, update its software or use another of its streams. The box goes on trying by itself."
    "camera.unsupported" Critical Installer
        "Camera's stream cannot be recorded"
        "The camera sends a format the box does not record. H.264 and H.265 are recorded, nothing else; not Motion JPEG."
        "Set the camera's main stream to H.264 or H.265."
    "camera.events" Serious Installer
        "Camera does not tell its events"
        "The camera is recorded in time-lapse and an event of its own should switch it to real time, but it offers no ONVIF metadata stream, or refuses it. It stays in time-lapse until real time is ordered."
        "Switch on metadata (events in the stream) in the camera's settings for this stream, or take event out of [camera.timelapse]."
    "camera.sound" Serious Installer
        "Camera gives no sound that can be recorded"
        "The configuration allows sound for this camera, but the camera offers none, or none in AAC. Its pictures are recorded without."
        "Set the camera's audio to AAC, or take [camera.sound] out of the configuration."
    "camera.flood" Serious Contractor
        "Camera sends too much"
        "The camera sent more than any camera should: over 100 Mbit/s, hundreds of pictures a second, or a picture without end. The session was ended to keep the other cameras safe; the gap is logged, and the box connects again by itself."
        "Check the camera's bit rate, frame rate and resolution. If they are as they should be, restart the camera."
    "camera.clock" Info Contractor
        "Camera's own clock is wrong"
        "The camera's clock differs from the box's by more than a few seconds. The box's clock is the time of record, so recordings carry the right time; a time burned into the picture by the camera is wrong."
        "Point the camera's time server at the box or at the network's own."
    "mask.worker" Critical HubStaff
        "Privacy mask cannot be applied"
        "The process that paints or proves the mask stopped, or did nothing while pictures waited for it. Pictures that could not be masked are not recorded; nothing unmasked reaches the disk."
        "Another is started by itself. If this stays or comes back, report it with what the detail says."
    "mask.program" Critical Installer
        "Mask program cannot start"
        "The program that paints and proves masks does not start on this machine: something that it needs is missing. Nothing is recorded from cameras with a mask."
        "Get what the detail says is missing; the box takes it up by itself. Beadle's package for boxes brings all of it: install it again."
    "mask.overload" Warning Contractor
        "Masked camera recorded at a lower picture rate"
        "The box cannot paint this camera's mask into all its pictures. It leaves pictures out; those that it records are masked."
        "Look at the box's load, and at what else runs on it. Fewer masked cameras, a lower picture rate or a stronger box is needed if this stays."
    "mask.capacity" Critical Installer
        "Box cannot paint this camera's mask"
        "Painting the mask into this camera's pictures needs more of the processor than the box has left; the detail has the bill. Nothing of this camera is recorded."
        "Set the mask in the camera and let the box prove it (how = \"camera\"), lower the camera's picture rate or size, or use a stronger box."
    "mask.encoder" Warning Contractor
        "Graphics device does not encode this camera's masked pictures"
        "The box is set to encode masked pictures on a graphics device, and cannot; the detail says why. Its processor encodes them instead where it can, which costs far more: it may carry fewer cameras, or fewer pictures a second. Masks are painted all the same."
        "Look whether the device is there (ls /dev/dri), whether its driver is installed (vainfo), and whether the service may use it; or take encoder out of [pictures]. The device is tried again after a while, ever more seldom, and at the next start."
    "mask.sandbox" Warning Contractor
        "Picture worker is not shut in as well as it could be"
        "The kernel of this box does not give all that the process which paints masks asks for to shut itself in; the detail says what is missing. Masks are painted all the same. Its limits and its list of permitted system calls are in force, and forbid it files, network and other processes on their own; a second wall is missing behind them."
        "Run the box with Linux 6.12 or newer and with landlock among its security modules (/sys/kernel/security/lsm). It clears when the next picture worker starts."
    "mask.unproved" Critical Installer
        "Camera's own mask is not in place"
        "The mask that the camera is to paint was not found in its pictures. Those pictures were not recorded. The box paints the mask itself meanwhile if it can carry that; else nothing of this camera is recorded until its mask is back. The detail says which."
        "Set the camera's privacy zones again in its own settings, as beadle-edge mask show names them."
    "mask.review" Warning HubStaff
        "Privacy mask is due for review"
        "The review date of this camera's mask has passed. The mask stays in force."
        "Pull a clip and look at the mask in it, then say so: beadle-hub mask review."
    "mask.moving" Serious Installer
        "Camera that moves has a mask: its whole picture is hidden"
        "The mask was made for a camera that stays where it is. This one is marked as moving, so where the mask lies in its pictures is not known, and all of every picture is painted over."
        "Fix the camera in one position and take ptz out of its configuration. A camera that moves cannot have a mask of less than everything yet."
    "mask.orders" Critical HubStaff
        "The hub's orders about masks cannot be read"
        "The file in which this box keeps the masks it was ordered to use, and its copy, cannot be read. Cameras with a mask in the configuration have that one. Whether the others had one is not known, so their whole picture is hidden; no mask is lifted."
        "Set the masks of this box again (beadle-hub mask set), or in its configuration ([camera.mask]); each camera is right from then on. The detail says what is wrong with the file."
    "reader.absent" Serious Contractor
        "Footage reader is not running"
        "The process that holds the footage keys does not answer, or cannot get at its root key in the TPM. Recording goes on; clips cannot be pulled, and footage that is due cannot be made unreadable until it is back."
        "If the detail names the TPM, see that it is switched on in the firmware and was not cleared. Otherwise systemctl restart beadle-reader; if it does not stay up, report what journalctl -u beadle-reader says."
    "disk.label" Critical Installer
        "Footage disk is missing or is not this box's"
        "No disk with this box's label is at the place configured, so nothing is recorded there. The system disk is never used instead; other footage disks are. The disk is used by itself as soon as it is right."
        "Check that the disk is in and mounted. A new disk is labelled with beadle-edge volume label. Each path of [[volume]] has to be a disk of its own."
    "disk.failed" Critical Contractor
        "Footage disk fails"
        "The disk returned errors on writing or reading. What could not be written is a logged gap."
        "Replace the disk if this comes back. What is on it can be read by no one without this box's keys."
    "disk.readonly" Critical Contractor
        "Footage disk can only be read"
        "The disk does not take anything new; a file system that met an error protects itself this way. Nothing is recorded on this disk; what is on it can still be read. Recording goes on on the other disks, if there are any."
        "Test the disk for errors and replace it if it has any; else mount it writable. It is used again by itself."
    "disk.full" Critical HubStaff
        "Footage disk is full"
        "There is no room left to record on this disk, or its file system has no room for more files; the detail says which. Nothing is deleted before its day to make some, and held footage is never dropped. Recording on this disk has stopped; it begins again by itself once there is room."
        "Fit a larger disk, lower the bit rate or the number of days (days of [retention]), or release holds that are no longer needed (beadle-hub hold list). A file system without room for more files is to be made anew with more inodes."
    "hold.copy" Critical HubStaff
        "Held footage cannot be copied out"
        "A hold keeps footage beyond its day by a copy under a key of its own, and that copy could not be made or not be removed. The footage named is not deleted before it is copied, whatever its day."
        "Look at the detail: a disk that is away or full, or a reader that does not answer. It is tried again by itself."
    "pull.limit" Serious HubStaff
        "No more footage is handed out today"
        "The hub ordered more clips of this box than may be handed out in one day, and the rest was refused. Nothing is lost: the limit is there so that whoever takes the hub over cannot carry everything off."
        "If staff asked for them (beadle-hub clip list), ask again tomorrow, or have pull_hours of [box] raised in the box's configuration, by which the reader goes at once. If nobody did, somebody else has the hub: take it off the network, and tell whoever runs the scheme."
    "disk.early" Serious HubStaff
        "Footage is deleted before its time"
        "The disk is too small for the days promised. The oldest footage not under a hold was deleted early, on the record."
        "Lower the bit rate or the number of days, or fit a larger disk."
    "disk.forecast" Warning HubStaff
        "Footage disk will be too small"
        "At today's rate the disk will be full before the oldest footage is due for deletion; the detail says when."
        "Lower the bit rate or the number of days, or fit a larger disk before then."
    "clock.unsynced" Serious Contractor
        "Clock is not synchronised"
        "The box has no time source it trusts. Recording goes on and every recording states the uncertainty; deletion waits."
        "Check that the box reaches its time servers, and the battery of its clock."
    "clock.disagrees" Serious Contractor
        "Clock disagrees with the hub's"
        "The box's clock and the hub's differ by more than a few seconds; the detail says which of them is ahead. Deletion waits until they agree."
        "Check the time servers of both. Do not set the clock by hand while recording unless told to: the step is logged."
    "hub.unreachable" Warning Contractor
        "Hub does not answer"
        "The box cannot reach the hub. Recording, deletion and the log go on; clips wait."
        "Check the box's line and the hub's address and port. The box keeps trying by itself."
    "hub.refused" Serious HubStaff
        "Hub refuses this box"
        "The hub does not accept the box's certificate or its enrolment. Recording goes on."
        "See what the hub says of it: beadle-hub box list. If it is revoked and may come back, beadle-hub box add makes a new code, and beadle-edge enrol takes it."
    "hub.version" Serious HubStaff
        "Box and hub speak different versions"
        "One of the two was updated and does not understand the other any more. Recording, deletion and the log go on; clips wait."
        "Bring box and hub to the same release of Beadle: the detail says which version of the protocol each speaks. The box connects by itself then."
    "hub.disk" Serious HubStaff
        "Hub's disk fills up"
        "Little room is left on a disk of the hub, or will be soon: the detail says which, how fast it fills, and what takes the room. When it is full, footage is not fetched and no package is made."
        "See beadle-hub status, or the page Hub. Dispose of evidence whose time is over, move what does not belong there, or give the hub a larger disk."
    "hub.disk-full" Critical HubStaff
        "Hub's disk is full"
        "What is left on a disk of the hub is kept for its own log. Whatever would write to it is refused or waits: clips, packages, the boxes' logs, which stay with the boxes. Boxes go on recording and deleting."
        "See beadle-hub status, or the page Hub, for what takes the room, and make some: dispose of evidence whose time is over, move what does not belong there, or give the hub a larger disk. All that waits goes on by itself."
    "hub.rolled-back" Critical HubStaff
        "Hub was put back from an older copy"
        "The hub's records are older than what boxes have seen: it was put back from a backup, or a disk of it was. What was done at the hub since that copy is in none of its records. Recording, deletion and the boxes' logs are not concerned; what boxes know, they tell the hub by themselves."
        "See the page Hub, or beadle-hub rollback show, for what has to be found out and done again. Two people settle it then: beadle-hub rollback settle, beadle-hub rollback approve."
    "outside.refused" Critical HubStaff
        "A witness refuses the hub's log"
        "A witness outside the scheme had seen other lines of the hub's log than there are now, or more of them: it was put back from an older copy, or somebody wrote it anew. The detail says which witness, and what it says. Whatever rests on this log is in question until that is explained."
        "Do not change anything at the hub. Find out whether it was put back from a backup, and tell whoever runs the witness; both keep the heads they have. beadle-hub outside list says how the others see it."
    "outside.late" Warning HubStaff
        "Nobody outside stamps or attests the log"
        "For more than a day and a half an authority for time stamps, or a witness, has not answered: the detail says which and why. What was recorded since rests on box and hub alone. All that waits is sent when it answers again."
        "Look whether the hub reaches it (name, port, the firewall between), and ask whoever runs it. beadle-hub outside list says what waits; beadle-hub outside anchor tries at once. One that is gone for good is taken out of hub.toml."
    "cert.expiring" Warning HubStaff
        "Box's certificate has not been renewed"
        "The box renews its certificate by itself from half of its life on, whenever it reaches the hub, and even when it is over. It has not for long."
        "Get the box back on line: it renews the certificate then. If it is on line, its log says what the hub answered; the hub's log has the reason."
    "cert.missing" Warning Installer
        "Box is not enrolled"
        "The box has no certificate of the hub. It records and deletes as configured; no one can ask it for clips."
        "Enrol it with a code from the hub: beadle-edge enrol."
    "log.refused" Critical HubStaff
        "Hub refuses this box's log"
        "What the box offers is shorter than or different from what the hub has seen: rolled back or forked. A restored or copied disk is the usual cause. Recording goes on; deletion pauses for at most seven days."
        "Find out what happened to the disk. beadle-hub box list says how the two logs differ, and the hub keeps both. Then close the log as it is and begin its successor, on the box: beadle-edge log succeed --reason."
    "box.twice" Critical HubStaff
        "Two boxes claim this name"
        "What is offered under this box's name does not follow on from what the hub has of it, or two connections take each other's place. Somebody has a copy of the box (a disk, a memory card), or its own disk was put back to an older copy. What was countersigned before stands."
        "Find out which one is right. If it is the one on the line, two people have it begin a new log: beadle-hub box succeed. Else beadle-hub box revoke turns both away at once, and beadle-hub box add makes a code for the right one: on it beadle-edge enrol --again, then beadle-edge log succeed --reason."
    "log.budget" Serious HubStaff
        "Box brings more than its share"
        "The log of this box grows faster than its cameras can explain, or takes more than its share of a hub's disk that is nearly full. The hub takes no more of it for now; the box keeps its lines and tries again. Other boxes are not concerned."
        "If the hub's disk is nearly full, give it more room. Else look at what the box writes: beadle-hub log export --log. A box that was tampered with is turned away by beadle-hub box revoke."
    "log.broken" Critical Contractor
        "Log on disk is damaged"
        "The log on the box's disk does not match its own newest signed head. The box closed it and began a successor; the damaged one is kept."
        "Test the system disk and replace it if it reports errors. Tell hub staff."
    "log.unwritable" Critical Contractor
        "Log cannot be written"
        "The log is written before anything it describes is done, so viewing, export and deletion have stopped. Recording goes on for as long as it can."
        "Check the system disk for space and errors."
    "retention.waiting" Serious HubStaff
        "Deletion waits for a confirmation"
        "More than a day's worth of footage is due at once, or the clock is in doubt. Footage that is due cannot be viewed meanwhile."
        "Check the box's clock, then say that it is right: beadle-hub retention confirm."
    "retention.failed" Critical HubStaff
        "Deletion did not succeed"
        "After the sweep there is still footage on disk that is past its day."
        "Look at the deletion certificate for the camera and day (the page Retention, or beadle-hub retention report). The sweep is tried again each minute by itself, and everything else that is due goes meanwhile. What the detail names and the recorder has no permission for was put there by another user: delete it, or give it to the recorder (chown -R beadle:beadle-footage). If the fault stays otherwise, report it."
    "retention.clock" Serious HubStaff
        "Deletion waits for the clock"
        "Footage looks past its day, but the box's clock is vouched for by nobody, so nothing is deleted. Footage that is due cannot be viewed meanwhile."
        "Check that the box reaches its time servers and the hub. Deletion goes on by itself."
    "retention.erase" Serious HubStaff
        "Erased footage could still be opened"
        "The footage of a day is deleted, but a key that opened it is still held, so a copy of it could be read. The deletion is not certified as final until that key is gone."
        "Report it, with what journalctl -u beadle-reader says; do not delete anything by hand."
    "hold.pending" Serious HubStaff
        "Hold is not in place, and its footage is due"
        "The box has not placed a hold yet, because it is off the line or cannot, and the footage it is for is about to be deleted on its day. The hold is sent to the box as soon as it is back."
        "Get the box back on the line before the day in the detail."
    "hold.expiring" Warning HubStaff
        "Hold ends soon"
        "A hold of this camera's footage ends within seven days. What it keeps beyond its day is deleted then."
        "Extend the hold if the footage is still needed (beadle-hub hold extend), or pull the clip (beadle-hub clip pull)."
    "hold.review" Warning HubStaff
        "Hold is due for review"
        "The review date of a hold of this camera's footage has passed. The hold stays in force until its end."
        "Look whether the footage is still needed: extend the hold with a new review date, or have it released."
    "footage.unrecovered" Serious Contractor
        "Interrupted recording is not recovered yet"
        "A recording that was cut short, by a power cut for instance, could not be made whole. It stays on disk and is tried again at each start."
        "Check that the footage reader runs and the disk is readable, then systemctl restart beadle-edge."
    "footage.lost" Critical HubStaff
        "Footage is missing from the disk"
        "The log says this footage was recorded, and it is no longer on any disk of the box. It is on the record as lost."
        "Find out whether a disk was taken out or files were deleted by hand."
    "footage.spot" Serious Contractor
        "Recorded footage is not what was recorded"
        "Each day the box reads one recording, drawn at random, and compares it with the log. The one in the detail is gone, cannot be read, or is another file than was logged. It cannot be handed out as evidence; where one is damaged, others on that disk may be too."
        "Look at the disk: replace it if smartctl -a or journalctl -k shows errors. If there are none, find out who could reach the box's files: footage removed or altered by hand looks the same. What is needed of that camera and day is best asked for now (beadle-hub clip pull). The box looks again each day; the fault ends when the recording is right, or its day is over."
    "index.unusable" Warning Contractor
        "Index of footage cannot be used"
        "The index by which footage is found cannot be read or written. Recording goes on; clips, recovery and deletion wait."
        "Run beadle-edge index rebuild, then systemctl restart beadle-edge. If it comes back, test the system disk."
    "state.unwritable" Serious Contractor
        "State folder cannot be written"
        "The box cannot write its state folder. Recording goes on for as long as the log can be written."
        "Check the system disk for space and errors."
    "capture.stopped" Critical Contractor
        "Cameras cannot be read"
        "A thread that reads cameras could not be started, or one ended that should not have. Up to sixteen cameras are not recorded."
        "systemctl restart beadle-edge. If it comes back, look at its memory and its limit of threads."
    "retention.certificate" Critical HubStaff
        "Deletion cannot be shown"
        "Footage of this camera is more than a day past the time it was to be deleted by, and the hub holds no line of the box that says it is gone. It may be kept too long."
        "See the page Retention for the camera's days. If the box is off the line, bring it back: its log comes by itself. Otherwise look at the box's own faults (retention.failed, retention.waiting, retention.clock)."
    "retention.certificate-failed" Critical HubStaff
        "Deletion failed its own check"
        "The box says it deleted footage of this camera, but also that a key it still has opens it, or that older footage than the rule allows is left on its disks."
        "See the page Retention for the camera's days. At the box, systemctl restart beadle-reader, then follow the box's own fault retention.erase. Until the next good certificate treat that footage as kept too long."
    "log.line" Serious HubStaff
        "Lines of its log say what no line may"
        "The log of this box, as the hub holds it from before it judged every line, has lines with impossible values or of types that a box does not write. They stay in the log, as evidence; what they say is left out of all that is reported, and nothing else is affected."
        "The detail names the first of them. Find out what wrote it: a fault in the box's program, or somebody at the box. When the box is sound, begin its next log there: beadle-edge log succeed, with the reason. The fault stays for as long as the old log is held."
    "box.report" Serious HubStaff
        "What the box says of itself is not taken"
        "The box came with a hello or sent a report that breaks what a box may say: too many cameras, numbers or times out of their range, text that cannot be shown. Nothing of it was kept, and what it said before stays. With such a hello it is not let onto the line; it goes on recording."
        "The detail names the field. Correct it in the box's edge.toml and systemctl restart beadle-edge. If it is right there, bring box and hub to the same version. If that is not it either, treat the box as tampered with (beadle-hub box revoke)."
    "evidence.due" Serious HubStaff
        "Evidence is past its period"
        "The period of this exhibit is over, or the day on which somebody was to look at it again. It stays at the hub until a person disposes of it."
        "Dispose of it (beadle-hub evidence dispose, or the page Evidence), or give it the class or review day that keeps it."
    "evidence.expiring" Warning HubStaff
        "Evidence is due for disposal soon"
        "The period of this exhibit ends within thirty days, or somebody is to look at it again by then."
        "Look whether it is still needed. If it is, give it the class or review day that keeps it; else dispose of it when it is due."
    "evidence.disposal" Critical HubStaff
        "Disposal of evidence is not complete"
        "Something that is to go from the hub could not be removed, or something of it was found afterwards. There is no certificate of disposal before all of it is gone."
        "Look at the detail: a disk that is away or can only be read, or files that somebody put there. It is tried again each hour."
    "evidence.documents" Warning HubStaff
        "Papers cannot be made as PDF"
        "The program that makes PDF (beadle-documents) is not there, or fails: the detail says which. Certificates, statements, labels and receipts are made as plain text all the same, and no package waits."
        "Install the hub's package anew: it brings the program. The hub tries again each hour and with each package, and the fault ends when it works."
    "evidence.unknown" Serious HubStaff
        "Evidence folder holds what no request explains"
        "In the folder of evidence or of fetched segments there is something that belongs to no request this hub knows, so it has no period."
        "Find out where it comes from (records restored from an old copy, a folder put there by hand) and move or remove it by hand."
    "recording.stopped" Critical HubStaff
        "Recording has stopped"
        "No picture lands on disk. The other faults of the camera and its box say why."
        "Follow the fault that beadle-edge doctor names first for each camera."
    "box.silent" Serious HubStaff
        "Box is silent"
        "The hub hears nothing of the box. Whether it records is not known; a box without a line goes on recording, deleting and logging."
        "Check the line and the power of the box. On the box, beadle-edge doctor says whether it runs and what the line lacks."
    "box.stopped" Critical Contractor
        "Box does not run"
        "The recorder ran on this machine and does not run now. Nothing is recorded."
        "systemctl start beadle-edge. If it does not stay up, see journalctl -u beadle-edge."
    "box.unstarted" Warning Installer
        "Box has not started yet"
        "The recorder never ran with this configuration. Nothing is recorded, and the log begins at its first start."
        "systemctl enable --now beadle-reader beadle-edge."
}

#[cfg(test)]
mod tests {
    use super::*;

    /// FLT-1: each condition can be found by its code, which a log line can carry, and says what to do.
    #[test]
    fn the_table_is_whole() {
        for c in CONDITIONS {
            assert_eq!(condition(c.code), Some(c));
            assert!(
                c.code
                    .bytes()
                    .all(|b| b.is_ascii_lowercase() || b"-.".contains(&b)),
                "{}",
                c.code
            );
            assert!(
                c.cause.ends_with('.') && c.next.ends_with('.') && !c.title.ends_with('.'),
                "{}",
                c.code
            );
            assert_eq!(
                CONDITIONS
                    .iter()
                    .filter(|other| other.code == c.code)
                    .count(),
                1,
                "{}",
                c.code
            );
        }
        for wanted in [
            "camera.unreachable",
            "camera.answer",
            "camera.breaks",
            "camera.password",
            "camera.password-file",
            "camera.login",
            "camera.certificate",
            "camera.stalled",
            "camera.unsupported",
            "camera.events",
            "camera.sound",
            "mask.worker",
            "mask.program",
            "mask.sandbox",
            "mask.encoder",
            "mask.overload",
            "mask.capacity",
            "mask.unproved",
            "mask.review",
            "mask.orders",
            "mask.moving",
            "reader.absent",
            "disk.label",
            "disk.failed",
            "disk.full",
            "disk.forecast",
            "clock.unsynced",
            "clock.disagrees",
            "hub.unreachable",
            "hub.refused",
            "hub.version",
            "hub.disk",
            "hub.disk-full",
            "outside.late",
            "outside.refused",
            "cert.expiring",
            "cert.missing",
            "log.refused",
            "retention.waiting",
            "retention.failed",
            "hold.pending",
            "hold.expiring",
            "hold.review",
            "retention.certificate",
            "retention.certificate-failed",
            "log.line",
            "box.report",
            "evidence.due",
            "evidence.expiring",
            "evidence.disposal",
            "evidence.documents",
            "evidence.unknown",
            "recording.stopped",
        ] {
            assert!(condition(wanted).is_some(), "{wanted}");
        }
        assert_eq!(condition("no.such"), None);
    }
}
