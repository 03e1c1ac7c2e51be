//! Where a segment's way through the inspector leaves the one of plain TLS.

use crate::inspector::Inspector;
use crate::inspector::connection::{Connection, DIALOGUE, SEEK, Way};
use crate::inspector::half::Tcp;
use crate::inspector::late::{begin, follow};
use crate::inspector::record;
use crate::inspector::seek::{self, Sought};
use crate::inspector::side::Looks;
use crate::inspector::verdict::Cause;
use crate::model::observation::Observation;
use crate::model::segment::Segment;
use crate::model::skip::Skip;

impl Inspector {
    /// Goes on with what a segment led to, until a hello is found or there is nothing more to do.
    #[cold]
    pub(in crate::inspector) fn settle(
        &mut self,
        index: u32,
        way: Way,
        mut sought: Sought,
        (segment, tcp): (&Segment<'_>, Tcp),
        out: &mut Vec<Observation>,
    ) -> Sought {
        loop {
            let Some(open) = self.open.get_mut(index) else { return Sought::More };
            sought = match sought {
                Sought::More | Sought::Hello { .. } => return sought,
                Sought::Run(start, conflict) => {
                    seek::read_run(open, way, (start, conflict), segment, &mut self.tools)
                }
                Sought::Dialogue(start) => self.begin_late(index, (way, start), (segment, tcp)),
                Sought::Nothing => {
                    if record::begun(open).is_none() {
                        self.conclude(index, Cause::NoHello, segment.time, out);
                    }
                    return Sought::More;
                }
            }
        }
    }

    /// Begins with a dialogue at `start` of the direction `way`.
    #[cold]
    fn begin_late(
        &mut self,
        index: u32,
        (way, start): (Way, u32),
        (segment, tcp): (&Segment<'_>, Tcp),
    ) -> Sought {
        let Some(open) = self.open.get_mut(index) else { return Sought::More };
        if open.late.is_some() || open.side(way.other()).looks == Looks::Hello {
            // a server that takes a hello for its own protocol answers in that
            let side = open.side(way);
            side.looks = Looks::Other;
            side.stream.forget();
            self.tools.skips.add(Skip::NotTls);
            return Sought::Nothing;
        }
        let sought = begin(open, (way, start), segment, tcp, &mut self.tools);
        self.renew_late(index, true);
        sought
    }

    /// Follows what goes ahead of TLS, or reads the hello behind it.
    #[cold]
    pub(in crate::inspector) fn late(
        &mut self,
        index: u32,
        way: Way,
        (segment, tcp): (&Segment<'_>, Tcp),
    ) -> Sought {
        let Some(open) = self.open.get_mut(index) else { return Sought::More };
        let talked = is_talking(open);
        let sought = follow(open, way, segment, tcp, &mut self.tools);
        self.renew_late(index, talked);
        sought
    }

    /// A dialogue has more time than a hello, from word to word.
    fn renew_late(&mut self, index: u32, talked: bool) {
        let Some(open) = self.open.get_mut(index).filter(|open| talked && open.late.is_some()) else {
            return;
        };
        open.since = self.now;
        let class = if is_talking(open) { DIALOGUE } else { SEEK };
        self.open.renew(index, class);
    }
}

fn is_talking(connection: &Connection) -> bool {
    connection.late.as_ref().is_some_and(|late| late.is_talking())
}
