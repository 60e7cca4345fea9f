// Luminance in cd/m², one value per Rec. 709 channel.
// Corners are in the room's own coordinates, and carry nothing that is not needed: on a CPU every value costs.
#import bevy_render::view::View

struct Level {
    lux: f32,
    beams: u32,
    u_of: array<vec4<f32>, 4>,
    v_of: array<vec4<f32>, 4>,
    window_m: array<vec4<f32>, 4>,
}

@group(0) @binding(0) var<uniform> view: View;
@group(0) @binding(1) var<uniform> level: Level;
@group(0) @binding(2) var finishes: texture_2d_array<f32>;
@group(0) @binding(3) var finish_sampler: sampler;

// The texel that stands for the mean is 128 of 255.
const PER_MEAN: f32 = 1.9921875;
// Half of a beam's soft edge, m: the sun is half a degree wide, and windows are two to four metres away.
const SOFT_M: f32 = 0.015;

struct Corner {
    @location(0) at: vec3<f32>,
    @location(1) on_finish: vec2<f32>,
    // Luminance of what 1 lx falls on, or in a room without sun at a level of 1 lx; and the layer of the finish.
    @location(2) color: vec4<f32>,
#ifdef SUN
    // Lux at a level of 1 lx, and lux of the sun where a beam is.
    @location(3) lit: vec2<f32>,
#endif
}

struct Seen {
    @builtin(position) position: vec4<f32>,
    @location(0) color: vec4<f32>,
    @location(1) on_finish: vec2<f32>,
#ifdef SUN
    @location(2) at: vec3<f32>,
    @location(3) lit: vec2<f32>,
#endif
}

@vertex
fn vertex(corner: Corner) -> Seen {
    var seen: Seen;
    seen.position = view.clip_from_world * vec4<f32>(corner.at, 1.0);
    seen.color = corner.color;
    seen.on_finish = corner.on_finish;
#ifdef SUN
    seen.at = corner.at;
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
    var through = 0.0;
    let at = vec4<f32>(seen.at, 1.0);
    for (var i = 0u; i < level.beams; i += 1u) {
        let u = dot(level.u_of[i], at);
        let v = dot(level.v_of[i], at);
        let from_edge = min(min(u, 1.0 - u) * level.window_m[i].x, min(v, 1.0 - v) * level.window_m[i].y);
        through = max(through, smoothstep(-SOFT_M, SOFT_M, from_edge));
    }
    lux = seen.lit.x * lux + seen.lit.y * through;
#endif
    return vec4<f32>(seen.color.rgb * (over_mean * lux), 1.0);
}
