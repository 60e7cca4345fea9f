//! How long people stay in regions (guide §5.3.1, *dwell detection*). Knows nothing of reports and of the shortest stay that counts.

use std::time::Duration;

use firmware_shim::Uptime;
use glam::DVec2;

use crate::Region;
use crate::count::{is_inside, polygon};
use crate::outline::Placed;

/// Whoever is out of a region, or out of sight, for less is taken not to have left. A decision of ours: places that are measured tremble
/// over an edge, and somebody who sits still may be lost for a moment.
const GRACE: Duration = Duration::from_secs(5);
/// Somebody new this near to where another was lost a moment ago is the same person, m: nobody sits nearer to another.
const SAME_PLACE_M: f64 = 0.5;

/// Somebody's time in a region.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stay {
    /// The region's number.
    pub region: u32,
    /// Who, as first known.
    pub id: u64,
    /// First there.
    pub since: Uptime,
    /// Last there.
    pub until: Uptime,
}

impl Stay {
    /// How long.
    pub fn duration(&self) -> Duration {
        self.until.since(self.since)
    }
}

/// Follows everybody's stays.
#[derive(Clone, Debug, Default)]
pub struct DwellTimer {
    open: Vec<Open>,
}

#[derive(Clone, Debug)]
struct Open {
    stay: Stay,
    /// Who it is now; another number than at first when the person was lost and found again.
    id: u64,
    last_floor: DVec2,
}

impl DwellTimer {
    /// Takes where everybody is now, and tells which stays have ended, each [`GRACE`] after its end. A stay belongs to a region's number,
    /// whatever becomes of its outline.
    pub fn update(&mut self, now: Uptime, regions: &[Region], people: &[Placed]) -> Vec<Stay> {
        for region in regions {
            let outline = polygon(&region.polygon);
            for person in people.iter().filter(|person| is_inside(person.foot, &outline)) {
                let known = self.find(region.id, person, people);
                match known {
                    Some(open) => {
                        open.stay.until = now;
                        (open.id, open.last_floor) = (person.id, person.floor);
                    }
                    None => {
                        let stay = Stay { region: region.id, id: person.id, since: now, until: now };
                        self.open.push(Open { stay, id: person.id, last_floor: person.floor });
                    }
                }
            }
        }
        let mut ended = Vec::new();
        self.open.retain(|open| {
            let stays = now.since(open.stay.until) <= GRACE;
            if !stays {
                ended.push(open.stay);
            }
            stays
        });
        ended
    }

    /// Stays that have not ended, up to when they were last certain.
    pub fn open(&self) -> impl Iterator<Item = Stay> {
        self.open.iter().map(|open| open.stay)
    }

    /// Forgets the stays in regions that are no more.
    pub fn retain(&mut self, is_there: impl Fn(u32) -> bool) {
        self.open.retain(|open| is_there(open.stay.region));
    }

    /// Ends everything, as at the edge of a schedule.
    pub fn end_all(&mut self) -> Vec<Stay> {
        self.open.drain(..).map(|open| open.stay).collect()
    }

    /// The stay of a person in a region: the person's own, or that of somebody who is nowhere any more and was last where the person is.
    fn find(&mut self, region: u32, person: &Placed, people: &[Placed]) -> Option<&mut Open> {
        let own = self.open.iter().position(|open| open.stay.region == region && open.id == person.id);
        let is_gone = |open: &Open| people.iter().all(|other| other.id != open.id);
        let distance = |open: &Open| open.last_floor.distance(person.floor);
        let lost = || {
            let candidates = self
                .open
                .iter()
                .enumerate()
                .filter(|(_, open)| open.stay.region == region && is_gone(open) && distance(open) <= SAME_PLACE_M);
            candidates.min_by(|(_, a), (_, b)| distance(a).total_cmp(&distance(b))).map(|(i, _)| i)
        };
        let found = own.or_else(lost)?;
        self.open.get_mut(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outline::tests::{placed, seen_at};

    /// West and east of the sensor, 2 m square, side by side.
    fn regions() -> Vec<Region> {
        let square = |id: u32, x: f64| Region {
            id,
            name: format!("region {id}"),
            polygon: [(x, -1.0), (x + 1.8, -1.0), (x + 1.8, 1.0), (x, 1.0)].map(|(x, y)| seen_at(x, y)).to_vec(),
        };
        vec![square(1, -1.8), square(2, 0.0)]
    }

    /// Ten times a second; each entry holds for so many seconds. Ended stays as (region, id, since, until) in seconds.
    #[track_caller]
    fn check(script: &[(u64, &[Placed])], expected: &[(u32, u64, f64, f64)]) {
        let (mut timer, mut ended, mut frame) = (DwellTimer::default(), Vec::new(), 0);
        for (seconds, people) in script {
            for _ in 0..seconds * 10 {
                ended.extend(timer.update(Uptime::from_millis(frame * 100), &regions(), people));
                frame += 1;
            }
        }
        let told: Vec<_> = ended
            .iter()
            .map(|stay| (stay.region, stay.id, stay.since.as_secs_f64(), stay.until.as_secs_f64()))
            .collect();
        assert_eq!(told, expected);
    }

    #[test]
    fn a_stay_lasts_from_coming_to_going() {
        let here = [placed(1, 0.5, 0.0)];
        check(&[(10, &[]), (20, &here), (10, &[])], &[(2, 1, 10.0, 29.9)]);
        check(&[(20, &here), (4, &[])], &[]);
        check(&[(10, &here), (10, &[placed(1, -0.5, 0.0)]), (10, &[])], &[(2, 1, 0.0, 9.9), (1, 1, 10.0, 19.9)]);
    }

    #[test]
    fn a_moment_outside_or_out_of_sight_does_not_end_it() {
        let (here, outside) = ([placed(1, 0.5, 0.8)], [placed(1, 0.5, 1.3)]);
        check(&[(10, &here), (4, &outside), (10, &here), (10, &[])], &[(2, 1, 0.0, 23.9)]);
        check(&[(10, &here), (4, &[]), (10, &here), (10, &[])], &[(2, 1, 0.0, 23.9)]);
        check(&[(10, &here), (6, &outside), (10, &here), (10, &[])], &[(2, 1, 0.0, 9.9), (2, 1, 16.0, 25.9)]);
    }

    #[test]
    fn somebody_found_again_under_another_number_stays_on() {
        let (before, after) = ([placed(1, 0.5, 0.0)], [placed(9, 0.6, 0.2)]);
        check(&[(10, &before), (3, &[]), (10, &after), (10, &[])], &[(2, 1, 0.0, 22.9)]);
        // Another person, farther away, is not.
        let other = [placed(9, 1.2, 0.5)];
        check(&[(10, &before), (3, &[]), (10, &other), (10, &[])], &[(2, 1, 0.0, 9.9), (2, 9, 13.0, 22.9)]);
        // Nor is somebody who was there all the time.
        let neighbour = placed(2, 0.8, 0.0);
        check(&[(10, &[before[0], neighbour]), (10, &[neighbour]), (10, &[])], &[(2, 1, 0.0, 9.9), (2, 2, 0.0, 19.9)]);
    }

    #[test]
    fn stays_that_have_not_ended_are_known_and_can_be_ended() {
        let mut timer = DwellTimer::default();
        for frame in 0..50 {
            assert_eq!(timer.update(Uptime::from_millis(frame * 100), &regions(), &[placed(3, -0.5, 0.0)]), []);
        }
        let open: Vec<Stay> = timer.open().collect();
        let [stay] = open.as_slice() else { panic!("{open:?}") };
        assert_eq!((stay.region, stay.id, stay.duration()), (1, 3, Duration::from_millis(4900)));
        assert_eq!(timer.end_all(), open);
        assert_eq!(timer.open().count(), 0);
    }
}
