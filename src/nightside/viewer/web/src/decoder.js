// The autoencoder's decoder, run in the browser from its safetensors file: src/nightside/thermal/vae.py in JavaScript.

const EPSILON = 1e-5; // of torch's BatchNorm1d

/** Load the decoder that a catalogue's `profiles.model` describes; `decode(latents)` gives kelvin at each local time. */
export async function loadDecoder(model) {
  const response = await fetch(model.weights);
  if (!response.ok) throw new Error(`${model.weights} is not there (${response.status})`);
  const buffer = await response.arrayBuffer();
  const size = Number(new DataView(buffer).getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 8, size)));
  const tensor = (name) => {
    const entry = header[name];
    if (!entry || entry.dtype !== 'F32') throw new Error(`${model.weights} has no '${name}' in single precision`);
    const [first, last] = entry.data_offsets;
    return new Float32Array(buffer.slice(8 + size + first, 8 + size + last));
  };
  const blocks = Array.from({ length: Math.ceil(Math.log2(model.local_times)) }, (_, i) => {
    const at = `network.up.${i}`;
    const [gain, shift, mean, variance] = ['weight', 'bias', 'running_mean', 'running_var'].map((n) => tensor(`${at}.norm.${n}`));
    return { weight: tensor(`${at}.linear.weight`), bias: tensor(`${at}.bias`), gain, shift, mean, variance };
  });
  const last = { weight: tensor('network.last.weight'), bias: tensor('network.last.bias') };
  const [centre, scale, usual] = [tensor('centre'), tensor('scale'), tensor('usual')];
  const before = (2 ** blocks.length - model.local_times) / 2;

  function decode(latents) {
    let rows = [Float64Array.from(latents)];
    for (const block of blocks) rows = rows.flatMap((row) => double(row, block, model.width));
    const normalised = rows.map((row) => row.reduce((sum, v, i) => sum + v * last.weight[i], last.bias[0]));
    return Array.from(centre, (c, i) => normalised[Math.floor(before) + i] * scale[i] + c);
  }
  // The region's usual latents: the first entry of `usual` is that of the misfit.
  return { decode, usual: Array.from(usual.subarray(1)) };
}

/** A transposed convolution of width and stride 2: one row of channels becomes two, normalised and cut at zero. */
function double(row, { weight, bias, gain, shift, mean, variance }, width) {
  return [0, 1].map((half) => {
    const out = new Float64Array(width);
    for (let c = 0; c < width; c += 1) {
      const start = (half * width + c) * row.length;
      let sum = bias[c];
      for (let i = 0; i < row.length; i += 1) sum += weight[start + i] * row[i];
      out[c] = Math.max(((sum - mean[c]) / Math.sqrt(variance[c] + EPSILON)) * gain[c] + shift[c], 0);
    }
    return out;
  });
}
