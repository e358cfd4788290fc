# SPDX-License-Identifier: Apache-2.0
"""The modules of both architectures, with the names of ppthreads' checkpoints."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional


class Decoder(nn.Module):
    """A stack of post-norm `nn.TransformerDecoderLayer`s, each with its own input as memory; no masks, no positions.

    The original reference study's script left `batch_first` at its default (False) while it fed [batch, sequence, dim],
    so its attention ran over the batch axis. Here it is `batch_first=True`: attention runs over the tokens of a
    sequence, and rows of a batch do not see each other.
    """

    def __init__(self, vocab: int, dim: int, layers: int, heads: int, ffn: int) -> None:
        super().__init__()
        self.tok_embeddings = nn.Embedding(vocab, dim)
        self.layers = nn.ModuleDict(
            {
                str(index): nn.TransformerDecoderLayer(dim, heads, dim_feedforward=ffn, dropout=0.0, batch_first=True)
                for index in range(layers)
            }
        )
        self.norm = nn.LayerNorm(dim)
        self.output = nn.Linear(dim, vocab)

    def forward(self, tokens: Tensor) -> Tensor:
        """Logits [batch, sequence, vocab] of tokens [batch, sequence]."""
        x = self.tok_embeddings(tokens)
        for layer in self.layers.values():
            x = layer(x, x)
        return self.output(self.norm(x))


class CausalSelfAttention(nn.Module):
    """nanoGPT's attention: one linear for queries, keys and values, then causal attention scaled by 1/sqrt(D/H)."""

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.c_attn = nn.Linear(dim, 3 * dim)
        self.c_proj = nn.Linear(dim, dim)

    def forward(self, x: Tensor) -> Tensor:
        batch, length, dim = x.shape
        query, key, value = (self._split(part) for part in self.c_attn(x).split(dim, dim=2))
        mixed = functional.scaled_dot_product_attention(query, key, value, is_causal=True)
        return self.c_proj(mixed.transpose(1, 2).reshape(batch, length, dim))

    def _split(self, x: Tensor) -> Tensor:
        """[batch, length, dim] as [batch, heads, length, dim / heads]."""
        batch, length, dim = x.shape
        return x.view(batch, length, self.heads, dim // self.heads).transpose(1, 2)


class FeedForward(nn.Module):
    """nanoGPT's MLP, with GELU in its tanh form."""

    def __init__(self, dim: int, ffn: int) -> None:
        super().__init__()
        self.c_fc = nn.Linear(dim, ffn)
        self.c_proj = nn.Linear(ffn, dim)

    def forward(self, x: Tensor) -> Tensor:
        return self.c_proj(functional.gelu(self.c_fc(x), approximate="tanh"))


class Block(nn.Module):
    """nanoGPT's pre-norm block."""

    def __init__(self, dim: int, heads: int, ffn: int) -> None:
        super().__init__()
        self.ln_1 = nn.LayerNorm(dim)
        self.attn = CausalSelfAttention(dim, heads)
        self.ln_2 = nn.LayerNorm(dim)
        self.mlp = FeedForward(dim, ffn)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attn(self.ln_1(x))
        return x + self.mlp(self.ln_2(x))


class GPT(nn.Module):
    """nanoGPT's structure and names, with biases in all linears but the head, which is not tied to the embedding."""

    def __init__(self, vocab: int, dim: int, layers: int, heads: int, ffn: int, seq: int) -> None:
        super().__init__()
        self.transformer = nn.ModuleDict(
            {
                "wte": nn.Embedding(vocab, dim),
                "wpe": nn.Embedding(seq, dim),
                "h": nn.ModuleList([Block(dim, heads, ffn) for _ in range(layers)]),
                "ln_f": nn.LayerNorm(dim),
            }
        )
        self.lm_head = nn.Linear(dim, vocab, bias=False)

    def forward(self, tokens: Tensor) -> Tensor:
        """Logits [batch, sequence, vocab] of tokens [batch, sequence]."""
        positions = torch.arange(tokens.shape[1])
        x = self.transformer["wte"](tokens) + self.transformer["wpe"](positions)
        for block in self.transformer["h"].children():
            x = block(x)
        return self.lm_head(self.transformer["ln_f"](x))
