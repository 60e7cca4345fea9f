// Luminance in cd/m², one value per Rec. 709 channel.
// Corners are in the room's own coordinates, and carry nothing that is not needed: on a CPU every value costs.
#import bevy_render::view::View

struct Level {
    lux: f32,
    beams: u32,
    room_m: vec2<f32>,
    u_of: array<vec4<f32>, 4>,
    v_of: array<vec4<f32>, 4>,
    window_m: array<vec4<f32>, 4>,
}

@group(0) @binding(0) var<uniform> view: View;
@group(0) @binding(1) var<uniform> level: Level;
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

struct Corner {
    @location(0) at: vec3<f32>,
    @location(1) on_finish: vec2<f32>,
    // Luminance of what 1 lx falls on, or without SUN and FLOOR at a level of 1 lx; and the layer of the finish.
    @location(2) color: vec4<f32>,
#ifdef PLACE
    // Where it is in the room, also when it is seen in a mirror.
    @location(3) place: vec3<f32>,
#endif
#ifdef SUN
    // Lux at a level of 1 lx, and lux of the sun where a beam is.
    @location(4) lit: vec2<f32>,
#endif
}

struct Seen {
    @builtin(position) position: vec4<f32>,
    @location(0) color: vec4<f32>,
    @location(1) on_finish: vec2<f32>,
#ifdef PLACE
    @location(2) place: vec3<f32>,
#endif
#ifdef SUN
    @location(3) lit: vec2<f32>,
#endif
}

@vertex
fn vertex(corner: Corner) -> Seen {
    var seen: Seen;
    seen.position = view.clip_from_world * vec4<f32>(corner.at, 1.0);
    seen.color = corner.color;
    seen.on_finish = corner.on_finish;
#ifdef PLACE
    seen.place = corner.place;
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
    var lux = level.lux;
#ifdef SUN
    var lit = seen.lit;
#endif
#ifdef FLOOR
    let texels = vec2<f32>(textureDimensions(floor_light));
    let on_floor = (seen.place.xy / level.room_m * (texels - 1.0) + 0.5) / texels;
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
    for (var i = 0u; i < level.beams; i += 1u) {
        let u = dot(level.u_of[i], place);
        let v = dot(level.v_of[i], place);
        let from_edge = min(min(u, 1.0 - u) * level.window_m[i].x, min(v, 1.0 - v) * level.window_m[i].y);
        through = max(through, smoothstep(-SOFT_M, SOFT_M, from_edge));
    }
    lux = lit.x * lux + lit.y * through;
#endif
    return vec4<f32>(seen.color.rgb * (over_mean * lux), 1.0);
}
