"""Architectures with a state beside, or instead of, keys and values, and encoders and projectors."""
from families import heads_keys, start
from layers import Block, embeddings
from probe import Probe


def mamba(layers: int, width: int, state: int, rank: int, vocabulary: int, context: int) -> Probe:
    inner, kernel = 2 * width, 4
    probe = start("mamba", layers, width, vocabulary, context, ssm__conv_kernel=kernel, ssm__inner_size=inner,
                  ssm__state_size=state, ssm__time_step_rank=rank, attention__head_count=0, feed_forward_length=0)
    embeddings(probe, width, vocabulary, tied=True)
    for layer in range(layers):
        block = Block(probe, layer, layers)
        block.plain("attn_norm.weight", width)
        block.matrix("ssm_in.weight", width, 2 * inner)
        block.plain("ssm_conv1d.weight", kernel, inner)
        block.plain("ssm_conv1d.bias", inner)
        block.matrix("ssm_x.weight", inner, rank + 2 * state)
        block.matrix("ssm_dt.weight", rank, inner)
        block.plain("ssm_dt.bias", inner)
        block.plain("ssm_a", state, inner)
        block.plain("ssm_d", inner)
        block.matrix("ssm_out.weight", inner, width)
    return probe


def lfm2(layers: int, width: int, inner: int, heads: int, kv_heads: list[int], vocabulary: int, context: int) -> Probe:
    length, head = 3, width // heads
    probe = start("lfm2", layers, width, vocabulary, context, shortconv__l_cache=length, feed_forward_length=inner)
    heads_keys(probe, heads, kv_heads, None)
    embeddings(probe, width, vocabulary, tied=True, norm="token_embd_norm.weight")
    for layer in range(layers):
        block = Block(probe, layer, layers)
        block.plain("ffn_norm.weight", width)
        block.network(width, inner)
        block.plain("attn_norm.weight", width)
        if kv_heads[layer]:
            block.head_norms(head)
            block.attention(width, heads, kv_heads[layer], head)
        else:
            block.plain("shortconv.conv.weight", length, width)
            block.matrix("shortconv.in_proj.weight", width, 3 * width)
            block.matrix("shortconv.out_proj.weight", width, width)
    return probe


def granite_hybrid(layers: int, width: int, inner: int, heads: int, kv_heads: list[int], head: int, state_heads: int, state: int,
                   vocabulary: int, context: int, experts: int = 0, used: int = 0, shared: int = 0) -> Probe:
    mixer, kernel, groups = 2 * width, 4, 1
    probe = start("granitehybrid", layers, width, vocabulary, context, ssm__conv_kernel=kernel, ssm__inner_size=mixer,
                  ssm__state_size=state, ssm__time_step_rank=state_heads, ssm__group_count=groups, feed_forward_length=inner)
    heads_keys(probe, heads, kv_heads, head)
    if experts:
        probe.key("expert_count", experts)
        probe.key("expert_used_count", used)
        probe.key("expert_shared_feed_forward_length", shared)
    embeddings(probe, width, vocabulary, tied=True)
    channels = mixer + 2 * groups * state
    for layer in range(layers):
        block = Block(probe, layer, layers)
        block.plain("attn_norm.weight", width)
        if kv_heads[layer]:
            block.attention(width, heads, kv_heads[layer], head)
        else:
            block.matrix("ssm_in.weight", width, mixer + channels + state_heads)
            block.plain("ssm_conv1d.weight", kernel, channels)
            block.plain("ssm_conv1d.bias", channels)
            block.plain("ssm_dt.bias", state_heads)
            block.plain("ssm_a", 1, state_heads)
            block.plain("ssm_d", 1, state_heads)
            block.plain("ssm_norm.weight", mixer // groups, groups)
            block.matrix("ssm_out.weight", mixer, width)
        block.plain("ffn_norm.weight", width)
        if experts:
            block.experts(width, inner, experts)
            block.network(width, shared, suffix="_shexp")
        else:
            block.network(width, inner)
    return probe


def qwen35(layers: int, width: int, inner: int, heads: int, kv_heads: int, head: int, key_heads: int, value_heads: int, state: int,
           vocabulary: int, context: int, tied: bool) -> Probe:
    """Gated delta net in three layers of four, gated attention in the fourth."""
    kernel, value = 4, state * value_heads
    channels = 2 * state * key_heads + value
    probe = start("qwen35", layers, width, vocabulary, context, ssm__conv_kernel=kernel, ssm__inner_size=value,
                  ssm__state_size=state, ssm__time_step_rank=value_heads, ssm__group_count=key_heads, feed_forward_length=inner,
                  full_attention_interval=4, rope__dimension_count=head // 4, rope__dimension_sections=[11, 11, 10, 0])
    heads_keys(probe, heads, kv_heads, head)
    embeddings(probe, width, vocabulary, tied)
    for layer in range(layers):
        block = Block(probe, layer, layers)
        block.plain("attn_norm.weight", width)
        block.plain("post_attention_norm.weight", width)
        if layer % 4 == 3:
            block.matrix("attn_q.weight", width, 2 * heads * head)
            block.matrix("attn_k.weight", width, kv_heads * head)
            block.matrix("attn_v.weight", width, kv_heads * head, best=True)
            block.matrix("attn_output.weight", heads * head, width)
            block.head_norms(head)
        else:
            block.matrix("attn_qkv.weight", width, channels)
            block.matrix("attn_gate.weight", width, value)
            block.plain("ssm_conv1d.weight", kernel, channels)
            block.plain("ssm_dt.bias", value_heads)
            block.plain("ssm_a", value_heads)
            block.matrix("ssm_beta.weight", width, value_heads)
            block.matrix("ssm_alpha.weight", width, value_heads)
            block.plain("ssm_norm.weight", state)
            block.matrix("ssm_out.weight", value, width)
        block.network(width, inner)
    return probe


def bert(architecture: str, layers: int, width: int, inner: int, heads: int, vocabulary: int, context: int) -> Probe:
    """Encoders: bert has learned positions and a plain network, nomic-bert neither."""
    probe = start(architecture, layers, width, vocabulary, context, "F16", attention__layer_norm_epsilon=1e-12,
                  attention__head_count=heads, attention__causal=False, pooling_type=1, feed_forward_length=inner)
    probe.metadata["tokenizer.ggml.token_type_count"] = gguf_uint(2)
    probe.add("token_embd.weight", (width, vocabulary), "F16")
    if architecture == "bert":
        probe.add("position_embd.weight", (width, context), "F32")
    probe.add("token_types.weight", (width, 2), "F32")
    probe.add("token_embd_norm.weight", (width,))
    probe.add("token_embd_norm.bias", (width,))
    for layer in range(layers):
        block = Block(probe, layer, layers)
        fused = architecture == "nomic-bert"
        block.attention(width, heads, heads, width // heads, fused=fused, bias=not fused)
        if architecture == "bert":
            block.plain("attn_output.bias", width)
            block.plain("ffn_up.bias", inner)
            block.plain("ffn_down.bias", width)
        block.plain("attn_output_norm.weight", width)
        block.plain("attn_output_norm.bias", width)
        block.network(width, inner, gate=architecture == "nomic-bert")
        block.plain("layer_output_norm.weight", width)
        block.plain("layer_output_norm.bias", width)
    return probe


def gguf_uint(value: int):
    import gguf

    return gguf.uint(value)


def gemma_vision(layers: int, width: int, inner: int, heads: int, image: int, patch: int, projection: int) -> Probe:
    """The projector file of a Gemma 3: a SigLIP encoder in F16, what it adds to the picture in F32."""
    probe = Probe("clip", "F16")
    for name, value in {"has_vision_encoder": True, "projector_type": "gemma3", "use_gelu": True}.items():
        probe.key(name, value)
    for name, value in {"image_size": image, "patch_size": patch, "embedding_length": width, "feed_forward_length": inner,
                        "block_count": layers, "attention.head_count": heads, "attention.layer_norm_epsilon": 1e-6,
                        "projection_dim": projection}.items():
        probe.key("vision." + name, value)
    import gguf

    probe.metadata["clip.vision.image_mean"] = gguf.array(gguf.FLOAT32, [0.5, 0.5, 0.5])
    probe.metadata["clip.vision.image_std"] = gguf.array(gguf.FLOAT32, [0.5, 0.5, 0.5])
    probe.add("mm.input_projection.weight", (projection, width), "F16")
    probe.add("mm.soft_emb_norm.weight", (width,))
    probe.add("v.patch_embd.weight", (patch, patch, 3, width))
    probe.add("v.patch_embd.bias", (width,))
    probe.add("v.position_embd.weight", (width, (image // patch) ** 2))
    probe.add("v.post_ln.weight", (width,))
    probe.add("v.post_ln.bias", (width,))
    for layer in range(layers):
        at = f"v.blk.{layer}."
        for name in ("attn_q", "attn_k", "attn_v", "attn_out"):
            probe.add(at + name + ".weight", (width, width), "F16")
            probe.add(at + name + ".bias", (width,))
        for name, shape in (("ffn_up", (width, inner)), ("ffn_down", (inner, width))):
            probe.add(at + name + ".weight", shape, "F16")
            probe.add(at + name + ".bias", (shape[1],))
        for name in ("ln1", "ln2"):
            probe.add(at + name + ".weight", (width,))
            probe.add(at + name + ".bias", (width,))
    return probe
