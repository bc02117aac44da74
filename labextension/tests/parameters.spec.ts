import { formParameters, initialField, readField, readForm, spacedJson } from '../src/parameters';
import type { Kfops } from '../src/tokens';
import { parameter, trans } from './fakes';

function read(type: Kfops.ParameterType, field: string | boolean, required = false): unknown {
  const reading = readField(parameter('p', type, { required }), field, trans);
  return reading.ok ? reading.value : reading.message;
}

describe('readField', () => {
  it.each<[Kfops.ParameterType, string | boolean, unknown]>([
    ['string', ' as it is ', ' as it is '],
    ['string', '', ''],
    ['integer', ' 3 ', 3],
    ['integer', '-12', -12],
    ['integer', '12345678901234567890', '12345678901234567890'],
    ['float', '.5', 0.5],
    ['float', '1e-3', 0.001],
    ['float', '2', 2],
    ['boolean', true, true],
    ['boolean', false, false],
    ['list', '[1, "a"]', [1, 'a']],
    ['dict', '{"a": 1}', { a: 1 }],
    ['integer', '', undefined]
  ])('reads a %s from %j', (type, field, value) => expect(read(type, field)).toEqual(value));

  it.each<[Kfops.ParameterType, string]>([
    ['integer', '3.5'],
    ['integer', 'ten'],
    ['float', '0,1'],
    ['float', 'nan'],
    ['list', '{"a": 1}'],
    ['dict', '[1]'],
    ['dict', 'null']
  ])('refuses a %s from %j and says what is needed', (type, field) =>
    expect(read(type, field)).toMatch(/is needed/)
  );

  it('tells why JSON is not JSON', () => expect(read('list', '[1,')).toMatch(/not JSON: ./));

  it.each<Kfops.ParameterType>(['string', 'integer', 'float', 'list', 'dict'])(
    'insists on a required %s',
    type => expect(read(type, '', true)).toBe('A value is needed.')
  );
});

describe('initialField', () => {
  it('shows the default, and rather the value of an earlier run', () => {
    const rate = parameter('rate', 'float', { default: 0.1 });
    expect(initialField(rate)).toBe('0.1');
    expect(initialField(rate, '0.5')).toBe('0.5');
    expect(initialField(parameter('name', 'string'))).toBe('');
  });

  it('shows lists and objects as JSON that is easy to edit', () => {
    expect(initialField(parameter('l', 'list', { default: [64, 'a, b'] }))).toBe('[64, "a, b"]');
    expect(initialField(parameter('d', 'dict', { default: { a: [1], b: null } }))).toBe(
      '{"a": [1], "b": null}'
    );
  });

  it('knows how Python writes a boolean', () => {
    const flag = parameter('flag', 'boolean', { default: true });
    expect(initialField(flag)).toBe(true);
    expect(initialField(flag, 'False')).toBe(false);
    expect(initialField(flag, 'True')).toBe(true);
  });
});

describe('readForm', () => {
  const parameters = [
    parameter('rate', 'float'),
    parameter('epochs', 'integer'),
    parameter('verbose', 'boolean')
  ];

  it('leaves out what is left empty, so that the pipeline has its default', () => {
    const form = readForm(parameters, { rate: '0.2', epochs: '', verbose: false }, trans);
    expect(form).toEqual({ values: { rate: 0.2, verbose: false }, problems: {} });
  });

  it('names every field that is wrong', () => {
    const form = readForm(parameters, { rate: 'x', epochs: 'y', verbose: true }, trans);
    expect(Object.keys(form.problems)).toEqual(['rate', 'epochs']);
  });
});

it('does not ask for the version id, which kfops fills in', () => {
  const names = formParameters([parameter('version_id', 'string'), parameter('rate', 'float')]);
  expect(names.map(one => one.name)).toEqual(['rate']);
});

it('writes JSON that reads back as what it was', () => {
  const value = { a: [1, { b: 'x, y: z' }], c: null, d: true };
  expect(JSON.parse(spacedJson(value))).toEqual(value);
});
