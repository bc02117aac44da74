// The parts of the panel are split where the code says so, by their names, and nowhere else: what scripts/panel_size.py
// weighs as loaded by every start of JupyterLab is then what is really loaded.
module.exports = { optimization: { splitChunks: false } };
