// Luminance in cd/m², one value per Rec. 709 channel.
// Corners are in the room's own coordinates, and carry nothing that is not needed: on a CPU every value costs.
#import bevy_render::view::View

struct Lighting {
    lux: f32,
    beams: u32,
    room_m: vec2<f32>,
    // Planes n · x = d as (n, d).
    mirrors: array<vec4<f32>, #{MIRRORS_MAX}>,
    u_of: array<vec4<f32>, #{WINDOWS_MAX}>,
    v_of: array<vec4<f32>, #{WINDOWS_MAX}>,
    window_m: array<vec4<f32>, #{WINDOWS_MAX}>,
}

@group(0) @binding(0) var<uniform> view: View;
@group(0) @binding(1) var<uniform> lighting: Lighting;
@group(0) @binding(2) var finishes: texture_2d_array<f32>;
@group(0) @binding(3) var finish_sampler: sampler;
// What falls on the floor: lux at a level of 1 lx, and klx of the sun where a beam is. The first and the last texel of a row
// and of a column lie at the walls.
@group(0) @binding(4) var floor_light: texture_2d<f32>;
@group(0) @binding(5) var floor_sampler: sampler;

// The texel that stands for the mean is 128 of 255.
const PER_MEAN: f32 = 1.9921875;
// Half of a beam's soft edge, m: the sun is half a degree wide, and windows are two to four metres away.
const SOFT_M: f32 = 0.015;
// What a mirror throws back.
const MIRRORED: f32 = 0.9;

struct Corner {
    // 0 is the thing itself; 1 and more is what is seen of it in a mirror, as if it stood behind it, where the wall has an opening.
    @builtin(instance_index) image: u32,
    @location(0) on_finish: vec2<f32>,
    // Luminance of what 1 lx falls on, and the layer of the finish.
    @location(1) color: vec4<f32>,
    @location(2) place: vec3<f32>,
    // Lux at a level of 1 lx, and lux of the sun where a beam is; not of the floor.
    @location(3) lit: vec2<f32>,
}

struct Seen {
    @builtin(position) position: vec4<f32>,
    // Luminance of what 1 lx falls on, or without SUN and FLOOR at a level of 1 lx; and the layer of the finish.
    // Centroid: where a smoothed picture has a triangle in a part of a pixel only, its middle may lie far outside.
    @location(0) @interpolate(perspective, centroid) color: vec4<f32>,
    @location(1) on_finish: vec2<f32>,
#ifdef PLACE
    // Where it is in the room, also when it is seen in a mirror.
    @location(2) @interpolate(perspective, centroid) place: vec3<f32>,
#endif
#ifdef SUN
    @location(3) @interpolate(perspective, centroid) lit: vec2<f32>,
#endif
}

@vertex
fn vertex(corner: Corner) -> Seen {
    var seen: Seen;
    var at = corner.place;
    seen.color = corner.color;
    if corner.image > 0u {
        let mirror = lighting.mirrors[corner.image - 1u];
        at -= 2.0 * (dot(mirror.xyz, at) - mirror.w) * mirror.xyz;
        seen.color = vec4<f32>(MIRRORED * seen.color.rgb, seen.color.a);
    }
    seen.position = view.clip_from_world * vec4<f32>(at, 1.0);
    seen.on_finish = corner.on_finish;
#ifdef PLACE
    seen.place = corner.place;
#else
    // One product less for each pixel. Of two kinds of light only their sum may be interpolated.
    seen.color = vec4<f32>(corner.lit.x * seen.color.rgb, seen.color.a);
#endif
#ifdef SUN
    seen.lit = corner.lit;
#endif
    return seen;
}

@fragment
fn fragment(seen: Seen) -> @location(0) vec4<f32> {
    let layer = u32(seen.color.a + 0.5);
    let over_mean = textureSample(finishes, finish_sampler, seen.on_finish, layer).r * PER_MEAN;
    var lux = lighting.lux;
#ifdef SUN
    var lit = seen.lit;
#endif
#ifdef FLOOR
    let texels = vec2<f32>(textureDimensions(floor_light));
    let on_floor = (seen.place.xy / lighting.room_m * (texels - 1.0) + 0.5) / texels;
    let falls = textureSampleLevel(floor_light, floor_sampler, on_floor, 0.0).rg;
#ifdef SUN
    lit = falls * vec2<f32>(1.0, 1000.0);
#else
    lux *= falls.x;
#endif
#endif
#ifdef SUN
    var through = 0.0;
    let place = vec4<f32>(seen.place, 1.0);
    for (var i = 0u; i < lighting.beams; i += 1u) {
        let u = dot(lighting.u_of[i], place);
        let v = dot(lighting.v_of[i], place);
        let from_edge = min(min(u, 1.0 - u) * lighting.window_m[i].x, min(v, 1.0 - v) * lighting.window_m[i].y);
        through = max(through, smoothstep(-SOFT_M, SOFT_M, from_edge));
    }
    lux = lit.x * lux + lit.y * through;
#endif
    return vec4<f32>(seen.color.rgb * (over_mean * lux), 1.0);
}
