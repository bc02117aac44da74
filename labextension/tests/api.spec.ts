import { ServerConnection } from '@jupyterlab/services';

import { KfopsApi } from '../src/api';
import { errorOf, KfopsResponseError } from '../src/response_error';
import { serverSettings, trans } from './fakes';

jest.mock('@jupyterlab/services', () => ({ ServerConnection: { makeRequest: jest.fn() } }));

const makeRequest = ServerConnection.makeRequest as jest.Mock;
const api = new KfopsApi({ serverSettings, trans });

function answer(status: number, body: string): void {
  makeRequest.mockResolvedValueOnce({
    ok: status < 400,
    status,
    statusText: `status ${status}`,
    text: () => Promise.resolve(body)
  });
}

async function refusal(promise: Promise<unknown>): Promise<KfopsResponseError> {
  const reason = await promise.then(
    () => null,
    (error: unknown) => error
  );
  expect(reason).toBeInstanceOf(KfopsResponseError);
  return reason as KfopsResponseError;
}

describe('KfopsApi', () => {
  beforeEach(() => makeRequest.mockReset());

  it('asks below the base URL and escapes ids', async () => {
    answer(200, '{"text": "", "next_offset": 0, "complete": false}');
    await api.stepLog('run/1', 'step 2', { offset: 7 });
    expect(makeRequest.mock.calls[0][0]).toBe(
      'http://jupyter/base/kfops/runs/run%2F1/steps/step%202/log?offset=7'
    );
  });

  it('names the document that is worked on', async () => {
    let path = 'my project/a&b.ipynb';
    const client = new KfopsApi({ serverSettings, trans, document: () => path });
    answer(200, '{"runs": [], "next_page_token": ""}');
    await client.status();
    expect(makeRequest.mock.calls[0][0]).toBe(
      'http://jupyter/base/kfops/status?path=my%20project%2Fa%26b.ipynb'
    );
    answer(200, '{"text": "", "next_offset": 0, "complete": false}');
    await client.stepLog('r', 's', { offset: 7 });
    expect(makeRequest.mock.calls[1][0]).toMatch(/log\?offset=7&path=my%20project/);
    path = '';
    answer(200, '{}');
    await client.status();
    expect(makeRequest.mock.calls[2][0]).toBe('http://jupyter/base/kfops/status');
  });

  it('sends what it is given as JSON', async () => {
    answer(201, '{"id": "r"}');
    await api.createRun({ version_id: 'v', parameters: { rate: 0.1 } });
    const [, init] = makeRequest.mock.calls[0];
    expect(init.method).toBe('POST');
    expect(JSON.parse(init.body)).toEqual({ version_id: 'v', parameters: { rate: 0.1 } });
  });

  it('takes an answer without content for what it is', async () => {
    answer(204, '');
    await expect(api.cancelOperation('o')).resolves.toBeUndefined();
  });

  it('throws the error that the server tells', async () => {
    const error = {
      code: 'images_missing',
      message: 'Images are missing',
      why: 'trainer is not there',
      remedy: 'kfops build',
      details: { images: ['trainer'] }
    };
    answer(409, JSON.stringify(error));
    const reason = await refusal(api.createRun({ version_id: 'v', parameters: {} }));
    expect(reason.error).toEqual(error);
    expect(reason.status).toBe(409);
  });

  it('knows a 404 of kfops from that of a server without the extension', async () => {
    answer(404, '{"code": "not_found", "message": "There is no run r"}');
    expect((await refusal(api.run('r'))).error.code).toBe('not_found');
    answer(404, '<html>404: Not Found</html>');
    expect((await refusal(api.status())).error.code).toBe('no_extension');
  });

  it('says so when the answer is a page in place of JSON', async () => {
    answer(200, '<html>Please log in</html>');
    expect((await refusal(api.status())).error.code).toBe('not_json');
  });

  it('says so when the server does not answer', async () => {
    makeRequest.mockRejectedValueOnce(new TypeError('Failed to fetch'));
    const reason = await refusal(api.status());
    expect(reason.error.code).toBe('no_server');
    expect(reason.error.why).toContain('Failed to fetch');
  });
});

describe('errorOf', () => {
  it('makes an error of anything that was thrown', () => {
    expect(errorOf(new Error('no')).message).toBe('no');
    expect(errorOf('no').message).toBe('no');
  });
});
