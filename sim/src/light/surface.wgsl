// Diffuse surfaces under diffuse light and small lamps at the ceiling that shine downwards with a cosine.
// Radiance leaves as luminance in cd/m², one value per Rec. 709 channel: reflectance / π × illuminance.
#import bevy_pbr::forward_io::VertexOutput

struct Lighting {
    // x: diffuse illuminance in lx, y: number of lamps
    diffuse_lux: f32,
    lamp_count: u32,
    // xyz: place in the room in m, w: luminous intensity straight down in cd
    lamps: array<vec4<f32>, 16>,
}

@group(#{MATERIAL_BIND_GROUP}) @binding(0) var<uniform> lighting: Lighting;

const PI: f32 = 3.14159265;

@fragment
fn fragment(in: VertexOutput) -> @location(0) vec4<f32> {
    let normal = normalize(in.world_normal);
    let place = in.world_position.xyz;
    // Diffuse light comes a little more from above than from below, as it does under a bright ceiling: a horizontal
    // surface facing up gets all of it, one facing down 0.4 of it.
    var lux = lighting.diffuse_lux * (0.7 + 0.3 * normal.z);
    for (var i = 0u; i < lighting.lamp_count; i++) {
        let to_lamp = lighting.lamps[i].xyz - place;
        let distance_squared = dot(to_lamp, to_lamp);
        let direction = to_lamp * inverseSqrt(distance_squared);
        lux += lighting.lamps[i].w * max(direction.z, 0.0) * max(dot(normal, direction), 0.0) / distance_squared;
    }
    return vec4<f32>(in.color.rgb * (lux / PI), 1.0);
}
