// The parts of the panel are split where the code says so, by their names, and nowhere else: what the bundle's size
// check weighs as "before the panel is opened" is then what a JupyterLab really loads at its start.
module.exports = { optimization: { splitChunks: false } };
