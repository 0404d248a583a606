// Which token maps a run has. A group is one array of maps: for some prompts and steps, of some channels a layer.

// groups: [{ channels: [[...] a layer], prompts: [index], steps: [index into run.steps] }]
export function mapTable(groups) {
  const union = (lists) => [...new Set(lists.flat())].sort((a, b) => a - b);
  return {
    channels: (layer) => [...new Set(groups.flatMap((group) => group.channels[layer] || []))],
    prompts: union(groups.map((group) => group.prompts)),
    steps: union(groups.map((group) => group.steps)),
    // -> { group, prompt, layer, step, channel }, the places in the group's own axes, or null
    find(prompt, layer, step, channel) {
      for (let group = 0; group < groups.length; group++) {
        const { channels, prompts, steps } = groups[group];
        const at = { group, prompt: prompts.indexOf(prompt), layer, step: steps.indexOf(step), channel: (channels[layer] || []).indexOf(channel) };
        if (at.prompt >= 0 && at.step >= 0 && at.channel >= 0) return at;
      }
      return null;
    },
  };
}
