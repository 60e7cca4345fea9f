// Luminance in cd/m², one value per Rec. 709 channel: what the corners carry for 1 lx, at the exposure's level of light.
#import bevy_pbr::forward_io::VertexOutput

@group(#{MATERIAL_BIND_GROUP}) @binding(0) var<uniform> lux: f32;

@fragment
fn fragment(in: VertexOutput) -> @location(0) vec4<f32> {
    return vec4<f32>(in.color.rgb * lux, 1.0);
}
