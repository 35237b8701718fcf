/** The page in a webview. Its own script, its style sheets and the font of the icons are all that it may load. */

import { randomBytes } from 'node:crypto';
import * as vscode from 'vscode';
import { showFailure } from './notify';
import { takeMessages } from './webview-messages';

interface Page<M> {
  /** The name of its script and style sheet in dist/media/. */
  readonly name: string;
  /** The title is read by screen readers and stands in the log. */
  readonly title: string;
  /** Checks a message from the page. @throws MessageError */
  readonly check: (value: unknown) => M;
  readonly handle: (message: M) => Promise<void>;
}

export function showPage<M>(
  webview: vscode.Webview,
  extensionUri: vscode.Uri,
  output: vscode.LogOutputChannel,
  { name, title, check, handle }: Page<M>,
): void {
  const folder = vscode.Uri.joinPath(extensionUri, 'dist', 'media');
  webview.options = {
    enableScripts: true,
    enableCommandUris: false,
    enableForms: false,
    localResourceRoots: [folder],
  };
  takeMessages(webview, {
    name: `the page ${title}`,
    output,
    check,
    handle,
    failed: (error) => void showFailure(error, title, output),
  });
  webview.html = pageHtml(webview, folder, name, title);
}

function pageHtml(webview: vscode.Webview, folder: vscode.Uri, name: string, title: string): string {
  const uri = (file: string) => webview.asWebviewUri(vscode.Uri.joinPath(folder, file)).toString();
  const nonce = randomBytes(16).toString('base64url');
  const policy = [
    "default-src 'none'",
    `script-src 'nonce-${nonce}'`,
    `style-src ${webview.cspSource}`,
    `font-src ${webview.cspSource}`,
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ');
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<link rel="stylesheet" id="vscode-codicon-stylesheet" href="${uri('codicon.css')}">
<link rel="stylesheet" href="${uri(`${name}.css`)}">
</head>
<body>
<script type="module" nonce="${nonce}" src="${uri(`${name}.js`)}"></script>
</body>
</html>
`;
}
