use super::*;

const OFFICE: &str = r##"(
    room: (
        size_m: (6, 4), ceiling_m: 3, floor_finish: Tiles(edge_m: 0.5),
        mirrors: [(wall: West, from_m: 1, to_m: 2, bottom_m: 0.5, top_m: 1.9)],
    ),
    light: (
        lux: 300, diffuse_share: 0.5, daylight_share: 0.1, luminaires: [(at_m: (3, 2), flux: 2)],
        windows: [(wall: South, from_m: 2.5, to_m: 4.5, bottom_m: 0.8, top_m: 2.2)],
        sun: (azimuth_deg: -80, elevation_deg: 40, lux: 9000),
    ),
    doors: [(name: "door", hinge_m: (0.5, 4), points_deg: 0, color: "#806040", swings: [(at_s: 2, to_deg: -90)])],
    furniture: [
        (name: "desk", piece: Table(size_m: (1.6, 0.8, 0.74)), at_m: (3, 2), color: "#c9a77c"),
        (name: "chair", piece: Chair, at_m: (3, 1.3), turn_deg: 0, color: "#303030"),
        (name: "stool", piece: Chair, at_m: (1, 1.3), turn_deg: 90, color: "#303030"),
        (name: "lamp", piece: Ball(diameter_m: 0.3, above_m: 0.74), at_m: (3.5, 2.1), color: "#ffffff"),
    ],
    people: [
        (
            name: "ada",
            starts: Stands(at_m: (1, 3), facing_deg: 90),
            does: [Walk(via_m: [(3, 0.6)], speed_m_s: 1.2), Sit(on: "chair", for_s: 5), Face(heading_deg: 10), Leave],
        ),
        (name: "bob", starts: Sits(on: "stool"), does: [Stay(for_s: 2), GetUp(to_m: (1, 0.6)), Stand(for_s: 1)]),
    ],
    crowds: [
        (
            name: "guests", enters_m: [(0.2, 0.4)], leaves_m: [(5.8, 3.6)], via: [(at_m: (5, 1), stays_s: (1, 4))],
            per_minute: 10, seed: 1, from_s: 5, until_s: 65, speed_m_s: (1, 1.4), carries: [(thing: Backpack)],
        ),
    ],
)"##;

fn office(from: &str, to: &str) -> Result<Scene, FileErrors> {
    assert!(OFFICE.contains(from), "`{from}` is not there to be edited");
    Scene::from_file(&RonFile::embedded("office.ron", OFFICE.replacen(from, to, 1)))
}

#[test]
fn every_mistake_is_named_with_its_line_and_field() {
    let cases: &[(&str, &str, &str)] = &[
        ("size_m: (6, 4)", "size_m: (6000, 4)", "room.size_m[0]: 6000 m is out of 1 to 60 m; sizes are in metres"),
        ("ceiling_m: 3", "ceiling_m: 300", "room.ceiling_m: 300 m is out of 2 to 12 m; heights are in metres"),
        ("edge_m: 0.5", "edge_m: 0.01", "room.floor_finish.edge_m: 0.01 m is out of 0.05 to 5 m"),
        ("from_m: 1,", "from_m: 4.5,", "room.mirrors[0].from_m: 4.5 m is out of the wall's 0 to 4 m"),
        ("to_m: 2,", "to_m: 0.5,", "room.mirrors[0].to_m: 0.5 m is out of 1.05 m to the wall's end at 4 m"),
        ("top_m: 1.9", "top_m: 19", "room.mirrors[0].top_m: 19 m is out of 0.55 m to the ceiling at 3 m"),
        ("azimuth_deg: -80", "azimuth_deg: 80", "light.sun.azimuth_deg: 80° stands before no window"),
        (
            "on: \"stool\"",
            "on: \"stoll\"",
            "people[1].starts.on: there is no chair `stoll`; the scene's chairs: chair, stool",
        ),
        ("lux: 300", "lux: -1", "light.lux: -1 lx is out of 0 to 100,000 lx"),
        ("diffuse_share: 0.5", "diffuse_share: 50", "light.diffuse_share: 50 is out of 0 to 1"),
        (
            "[(at_m: (3, 2), flux: 2)]",
            "[]",
            "light.diffuse_share: without luminaires diffuse and daylight share make 1",
        ),
        ("at_m: (3, 2), flux", "at_m: (3, 9), flux", "light.luminaires[0].at_m: (3, 9) is outside the room"),
        ("flux: 2", "flux: -2", "light.luminaires[0].flux: -2 is out of 0 to 100"),
        ("flux: 2", "flux: 0", "light.luminaires: all of them have a flux of 0"),
        (
            "flux: 2",
            "kind: Pendant(height_m: 9)",
            "light.luminaires[0].kind.height_m: 9 m is out of 1 m to the ceiling",
        ),
        ("daylight_share: 0.1", "daylight_share: 0.6", "light.daylight_share: with the diffuse share it makes 1.1"),
        (
            "wall: South, from_m: 2.5",
            "wall: South, from_m: 6.5",
            "light.windows[0].from_m: 6.5 m is out of the wall's 0 to 6 m",
        ),
        ("daylight_share: 0.1", "flicker: 1.5", "light.flicker: 1.5 is out of 0 to 1"),
        ("daylight_share: 0.1", "mains_hz: 55", "light.mains_hz: 55 Hz is neither 50 nor 60 Hz"),
        ("elevation_deg: 40", "elevation_deg: 140", "light.sun.elevation_deg: 140° is out of 1 to 90°"),
        ("hinge_m: (0.5, 4)", "hinge_m: (0.5, 5)", "doors[0].hinge_m: (0.5, 5) is outside the room"),
        (
            "wall: South, from_m: 2.5",
            "wall: West, from_m: 1.5",
            "light.windows[0]: it overlaps mirrors[0] of the room on the same wall",
        ),
        ("(1.6, 0.8, 0.74)", "(1.6, 0.8, 3.2)", "furniture[0].piece: it reaches 3.20 m, above the ceiling at 3 m"),
        ("points_deg: 0,", "points_deg: 0, height_m: 3.5,", "doors[0].height_m: it reaches 3.50 m, above the"),
        ("\"stool\", piece", "\" \", piece", "furniture[2].name: is empty"),
        ("at_s: 2", "at_s: -2", "doors[0].swings[0].at_s: -2 s is out of"),
        ("at_m: (3, 2), color", "at_m: (-1, 2), color", "furniture[0].at_m: (-1, 2) is outside the room"),
        ("(1.6, 0.8, 0.74)", "(1.6, 0.8, 74)", "furniture[0].piece.size_m[2]: 74 m is out of"),
        ("diameter_m: 0.3", "diameter_m: 0", "furniture[3].piece.diameter_m: 0 m is out of"),
        ("turn_deg: 90", "turn_deg: 900", "furniture[2].turn_deg: 900° is out of"),
        ("\"stool\", piece", "\"chair\", piece", "furniture[2].name: `chair` is the name of another piece"),
        ("name: \"bob\"", "name: \"ada\"", "people[1].name: `ada` is the name of someone else"),
        ("at_m: (1, 3)", "at_m: (1, 30)", "people[0].starts.at_m: (1, 30) is outside the room"),
        ("facing_deg: 90", "facing_deg: 1e9", "people[0].starts.facing_deg: 1000000000° is out of"),
        ("[(3, 0.6)]", "[(3, -0.6)]", "people[0].does[0].via_m[0]: (3, -0.6) is outside the room"),
        ("[(3, 0.6)]", "[]", "people[0].does[0].via_m: needs at least one way point"),
        ("speed_m_s: 1.2", "speed_m_s: 12", "people[0].does[0].speed_m_s: 12 m/s is out of 0.2 to 3 m/s"),
        ("[(3, 0.6)]", "[(5, 3)]", "people[0].does[1].on: `chair` is 2.62 m away, more than 1.2 m"),
        ("Sit(on: \"chair\"", "Sit(on: \"desk\"", "people[0].does[1].on: `desk` is not a chair"),
        ("Sit(on: \"chair\"", "Sit(on: \"sofa\"", "there is no chair `sofa`; the scene's chairs: chair, stool"),
        ("for_s: 5", "for_s: -5", "people[0].does[1].for_s: -5 s is out of"),
        ("Leave]", "Leave, Stand(for_s: 1)]", "people[0].does[3]: `Leave` must be the last step"),
        ("Face(heading_deg: 10)", "Stay(for_s: 1)", "people[0].does[2]: the person does not sit"),
        ("Face(heading_deg: 10)", "GetUp(to_m: (3, 0.6))", "people[0].does[2]: the person does not sit"),
        ("Stay(for_s: 2), GetUp(to_m: (1, 0.6)), ", "", "people[1].does[0]: the person still sits"),
        ("to_m: (1, 0.6)", "to_m: (4, 0.6)", "people[1].does[1].to_m: the place is 3.08 m away"),
        ("name: \"bob\"", "appears_s: -1, name: \"bob\"", "people[1].appears_s: -1 s is out of"),
        ("name: \"bob\"", "body: (height_m: 172), name: \"bob\"", "people[1].body.height_m: 172 m is out of"),
        ("name: \"ada\"", "body: (height_m: 0), name: \"ada\"", "people[0].body.height_m: 0 m is out of"),
        ("name: \"ada\"", "body: (figure: \"eve\"), name: \"ada\"", "people[0].body.figure: there is no `eve`"),
        (
            "name: \"ada\"",
            "carries: [(thing: Laptop), (thing: Umbrella)], name: \"ada\"",
            "people[0].carries[1].thing: Umbrella and Laptop take the same hand",
        ),
        (
            "name: \"ada\"",
            "carries: [(thing: Box), (thing: Box)], name: \"ada\"",
            "people[0].carries[1].thing: the person has a Box already",
        ),
        ("does: [Walk", "carries: [(thing: Box)], does: [Walk", "does[1]: nobody sits on a chair with a Box"),
        ("name: \"bob\"", "carries: [(thing: Wheelchair)], name: \"bob\"", "people[1].starts: nobody sits on a chair"),
        (
            "does: [Walk(via_m: [(3, 0.6)], speed_m_s: 1.2)",
            "carries: [(thing: Wheelchair)], does: [Walk(via_m: [(3, 0.6)], speed_m_s: 1.7)",
            "people[0].does[0].speed_m_s: 1.7 m/s is out of 0.2 to 1.6 m/s",
        ),
        ("Leave]", "UTurn(speed_m_s: 2), Leave]", "people[0].does[3].speed_m_s: 2 m/s is out of 0.2 to 1.6 m/s"),
        (
            "does: [Walk",
            "does: [Walk(via_m: [(1, 4)]), UTurn(), Walk",
            "people[0].does[1]: turning back would lead out",
        ),
        ("Leave]", "Talk(to_m: (9, 1), for_s: 3)]", "people[0].does[3].to_m: (9, 1) is outside the room"),
        ("Leave]", "Talk(to_m: (5, 1), for_s: -3)]", "people[0].does[3].for_s: -3 s is out of 0 to 1000000 s"),
        ("Leave]", "Queue(to_m: (5, -1), moves: 2, every_s: 9)]", "people[0].does[3].to_m: (5, -1) is outside"),
        ("Leave]", "Queue(to_m: (5, 1), moves: 0, every_s: 9)]", "people[0].does[3].moves: 0 is out of 1 to 100"),
        (
            "Leave]",
            "Queue(to_m: (5, 1), moves: 2, every_s: 0)]",
            "people[0].does[3].every_s: 0 s is out of 1 to 3600 s",
        ),
        ("Leave]", "Queue(to_m: (5, 1), moves: 1, every_s: 1)]", "people[0].does[3].every_s: each move takes 2.5 s"),
        ("Leave]", "Loiter(around_m: (7, 1), radius_m: 1, for_s: 9)]", "people[0].does[3].around_m: (7, 1) is outside"),
        ("Leave]", "Loiter(around_m: (5, 1), radius_m: 0, for_s: 9)]", "people[0].does[3].radius_m: 0 m is out of 0.3"),
        (
            "Leave]",
            "Loiter(around_m: (5, 1), radius_m: 1, for_s: 1e9)]",
            "people[0].does[3].for_s: 1000000000 s is out of",
        ),
    ];
    for (from, to, said) in cases {
        let errors = office(from, to).map(|_| ()).expect_err(to).to_string();
        assert!(errors.contains(said), "{from} → {to}: {errors}");
        // The field stands where it was edited, or the nearest thing above it that is in the file does.
        let line = 1 + OFFICE.lines().position(|line| line.contains(from)).unwrap();
        let told: Vec<usize> = errors.lines().filter_map(|e| e.split(':').nth(1)?.parse().ok()).collect();
        assert!(told.iter().any(|told| told.abs_diff(line) <= 1), "{from} → {to}: line {line}: {errors}");
    }
}

#[test]
fn guests_of_a_crowd_come_after_the_people_of_the_file_and_go_again() {
    let scene = office("lux", "lux").unwrap_or_else(|errors| panic!("{errors}"));
    let guests: Vec<&Person> = scene.people.iter().skip(2).collect();
    assert!((4..18).contains(&guests.len()), "{} guests", guests.len());
    assert!(guests.iter().all(|guest| guest.name.starts_with("guests-") && guest.appears_s >= 5.0));
    assert!(guests.iter().any(|guest| !guest.carries.is_empty()));
    let random = crate::Body::random_figures();
    assert!(guests.iter().all(|guest| random.contains(&guest.body.figure.as_str())), "a reserved body");
    let there = |t_s: f64| scene.at(t_s).people.into_iter().filter(|state| state.index >= 2).count();
    assert!((0..80).any(|t_s| there(f64::from(t_s)) > 0));
    assert_eq!((there(4.9), there(200.0)), (0, 0));
    for state in (0..80).flat_map(|t_s| scene.at(f64::from(t_s)).people) {
        let carries = !scene.people[state.index].carries.is_empty();
        assert_eq!(carries, !state.things.is_empty(), "{}", scene.people[state.index].name);
    }
}

#[test]
fn two_people_cannot_start_on_one_chair() {
    let errors = office("starts: Stands(at_m: (1, 3), facing_deg: 90)", "starts: Sits(on: \"stool\")").map(|_| ());
    let errors = errors.expect_err("two on one chair").to_string();
    assert!(errors.contains("people[1].starts.on: somebody else starts on `stool`, too"), "{errors}");
}

#[test]
fn where_people_are_is_where_they_stand_and_sit() {
    for name in crate::library_names() {
        let scene = Scene::from_library(&name).expect("listed").unwrap_or_else(|errors| panic!("{errors}"));
        for step in 0..600 {
            let t_s = f64::from(step) * 0.17;
            let people = scene.at(t_s).people;
            let floors: Vec<(usize, DVec2)> = people.iter().map(|person| (person.index, person.floor)).collect();
            assert_eq!(scene.floors_at(t_s).collect::<Vec<_>>(), floors, "{name} at {t_s} s");
            for index in 0..scene.people.len() {
                let (floor, until_s) = scene.floor_until(index, t_s);
                for later_s in [t_s, t_s + 0.5 * (until_s - t_s).min(1e6), until_s.next_down()] {
                    if (t_s..until_s).contains(&later_s) {
                        assert_eq!(scene.floor_until(index, later_s).0, floor, "{name}, {index} at {t_s} s");
                    }
                }
            }
        }
    }
}

#[test]
fn people_walk_sit_face_away_from_the_back_of_the_chair_get_up_and_leave() {
    let scene = office("lux", "lux").unwrap_or_else(|errors| panic!("{errors}"));
    let at = |t_s: f64, name: &str| {
        let index = scene.people.iter().position(|person| person.name == name).expect("somebody of the scene");
        scene.at(t_s).people.into_iter().find(|state| state.index == index)
    };
    let bob = |t_s: f64| at(t_s, "bob").expect("bob stays");
    assert_eq!((bob(1.0).posture, bob(1.0).floor), (Posture::Seated, DVec2::new(1.0, 1.3)));
    assert_eq!((bob(5.0).posture, bob(5.0).floor), (Posture::Standing, DVec2::new(1.0, 0.6)));
    // A chair turned by 90° looks west; knees are ahead of the seat.
    let body = bob(1.0).body.expect("bob has a body");
    let reach = body.samples().iter().map(|point| point.x).fold(f64::MAX, f64::min);
    assert!(reach < 0.7, "nothing of bob is west of the stool: {reach}");

    let walk_s = DVec2::new(1.0, 3.0).distance(DVec2::new(3.0, 0.6)) / 1.2;
    let ada = |t_s: f64| at(t_s, "ada").expect("ada is there");
    assert!(ada(walk_s / 2.0).floor.distance(DVec2::new(2.0, 1.8)) < 1e-9);
    assert_eq!(ada(walk_s + 3.0).posture, Posture::Seated);
    assert_eq!(ada(walk_s + 3.0).floor, DVec2::new(3.0, 1.3));
    assert_eq!(at(walk_s + 30.0, "ada"), None, "ada has left");
}
